//! The structure of the document for readers that cannot see it: a tree of tags, filled while pages are laid out.

use std::num::NonZeroU16;

use krilla::tagging::{Identifier, ListNumbering, Node, TableHeaderScope, Tag, TagGroup, TagTree};

/// A node of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NodeId(u32);

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    Section,
    /// A heading of a level from 1, with its text.
    Heading(u16, String),
    Paragraph,
    List,
    Item,
    Label,
    Body,
    Table,
    Head,
    Rows,
    Row,
    ColumnHead,
    RowHead,
    /// A heading over all columns.
    Band(u32),
    Cell,
    /// A figure with its text for whom cannot see it.
    Figure(String),
    Contents,
    ContentsItem,
    Link,
    Code,
}

enum Child {
    Node(NodeId),
    Content(Identifier),
}

struct Entry {
    role: Role,
    children: Vec<Child>,
}

/// The tree.
pub(crate) struct Tags {
    entries: Vec<Entry>,
    top: Vec<NodeId>,
}

impl Tags {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            top: Vec::new(),
        }
    }

    /// A new node below another, or at the top.
    pub(crate) fn add(&mut self, parent: Option<NodeId>, role: Role) -> NodeId {
        let node = NodeId(self.entries.len() as u32);
        self.entries.push(Entry {
            role,
            children: Vec::new(),
        });
        match parent {
            Some(parent) => self.entries[parent.0 as usize].children.push(Child::Node(node)),
            None => self.top.push(node),
        }
        node
    }

    /// Content of a page belongs to a node.
    pub(crate) fn content(&mut self, node: NodeId, content: Identifier) {
        self.entries[node.0 as usize].children.push(Child::Content(content));
    }

    /// The tree as krilla takes it. Nodes come after their parents, so it is built from the last one on.
    pub(crate) fn finish(self) -> TagTree {
        let mut groups: Vec<Option<TagGroup>> = (0..self.entries.len()).map(|_| None).collect();
        for (index, entry) in self.entries.into_iter().enumerate().rev() {
            let children: Vec<Node> = entry
                .children
                .into_iter()
                .filter_map(|child| match child {
                    Child::Content(content) => Some(Node::Leaf(content)),
                    Child::Node(node) => groups[node.0 as usize].take().map(Node::Group),
                })
                .collect();
            groups[index] = Some(group(entry.role, children));
        }
        let mut tree = TagTree::new();
        for node in self.top {
            if let Some(group) = groups[node.0 as usize].take() {
                tree.push(group);
            }
        }
        tree
    }
}

fn group(role: Role, children: Vec<Node>) -> TagGroup {
    match role {
        Role::Section => TagGroup::with_children(Tag::Section, children),
        Role::Heading(level, title) => TagGroup::with_children(
            Tag::Hn(NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN), Some(title)),
            children,
        ),
        Role::Paragraph => TagGroup::with_children(Tag::P, children),
        Role::List => TagGroup::with_children(Tag::L(ListNumbering::None), children),
        Role::Item => TagGroup::with_children(Tag::LI, children),
        Role::Label => TagGroup::with_children(Tag::Lbl, children),
        Role::Body => TagGroup::with_children(Tag::LBody, children),
        Role::Table => TagGroup::with_children(Tag::Table, children),
        Role::Head => TagGroup::with_children(Tag::THead, children),
        Role::Rows => TagGroup::with_children(Tag::TBody, children),
        Role::Row => TagGroup::with_children(Tag::TR, children),
        Role::ColumnHead => TagGroup::with_children(Tag::TH(TableHeaderScope::Column), children),
        Role::RowHead => TagGroup::with_children(Tag::TH(TableHeaderScope::Row), children),
        Role::Band(columns) => TagGroup::with_children(
            Tag::TH(TableHeaderScope::Row).with_col_span(std::num::NonZeroU32::new(columns)),
            children,
        ),
        Role::Cell => TagGroup::with_children(Tag::TD, children),
        Role::Figure(alt) => TagGroup::with_children(Tag::Figure(Some(alt)), children),
        Role::Contents => TagGroup::with_children(Tag::TOC, children),
        Role::ContentsItem => TagGroup::with_children(Tag::TOCI, children),
        Role::Link => TagGroup::with_children(Tag::Link, children),
        Role::Code => TagGroup::with_children(Tag::Code, children),
    }
}
