//! Switches for the verifier's checks, so that tests can show that none of them is idle.

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Check {
    /// The checkpoint's signature.
    Signature,
    /// The checkpoint is of the log that the signing key is named after.
    Origin,
    /// The policy of witnesses.
    Policy,
    /// Origin and size in the manifest.
    Manifest,
    /// The number of events in the manifest.
    Count,
    /// The root of the tiles is the checkpoint's.
    Root,
    /// Tiles above the leaves against those above them.
    UpperTiles,
    /// Tiles of leaves against the tiles above them.
    LeafTiles,
    /// `entry_hash` of a record is the hash of its values.
    EntryHash,
    /// The hash of a record's values is the leaf at its place.
    Leaf,
    /// `prev_hash` is the chain's.
    PrevHash,
    /// `hash` is the chain's.
    LinkHash,
    /// No value beside one that is erased.
    ErasedValue,
    /// A record is in the file of its place.
    File,
    /// Records of a file are in order.
    Order,
    /// No place has two records.
    Duplicate,
    /// No place has no record.
    Missing,
    /// No record is behind the end of the tree.
    Beyond,
    /// Every byte of a file belongs to a record.
    Damage,
    /// Nothing else is among the files.
    Files,
    /// The notes' signatures.
    NoteSignature,
    /// The notes' names.
    NoteName,
    /// The roots of the notes.
    NoteRoot,
    /// No note is larger than the checkpoint.
    NoteSize,
    /// The auditor's checkpoints are of the same log.
    KnownOrigin,
    /// The roots of the auditor's checkpoints.
    KnownRoot,
    /// The sizes of the auditor's checkpoints.
    KnownSize,
    /// Erased values are told of by an event.
    Erasure,
    /// That event comes after them.
    ErasureOrder,
    /// A certificate is written in the one way.
    CertificateText,
    /// It is of this log.
    CertificateOrigin,
    /// Its signature.
    CertificateSignature,
    /// An event tells of it, and of no other.
    CertificateEvent,
    /// It covers places before that event only.
    CertificateBelow,
    /// As many as it says.
    CertificateCount,
    /// Its root is that of the leaves of the tree.
    CertificateRoot,
    /// No place is covered twice.
    CertificateOverlap,
    /// No record is at a covered place.
    CertificateRecord,
}

impl Check {
    /// All checks.
    pub const ALL: [Check; 38] = [
        Check::Signature,
        Check::Origin,
        Check::Policy,
        Check::Manifest,
        Check::Count,
        Check::Root,
        Check::UpperTiles,
        Check::LeafTiles,
        Check::EntryHash,
        Check::Leaf,
        Check::PrevHash,
        Check::LinkHash,
        Check::ErasedValue,
        Check::File,
        Check::Order,
        Check::Duplicate,
        Check::Missing,
        Check::Beyond,
        Check::Damage,
        Check::Files,
        Check::NoteSignature,
        Check::NoteName,
        Check::NoteRoot,
        Check::NoteSize,
        Check::KnownOrigin,
        Check::KnownRoot,
        Check::KnownSize,
        Check::Erasure,
        Check::ErasureOrder,
        Check::CertificateText,
        Check::CertificateOrigin,
        Check::CertificateSignature,
        Check::CertificateEvent,
        Check::CertificateBelow,
        Check::CertificateCount,
        Check::CertificateRoot,
        Check::CertificateOverlap,
        Check::CertificateRecord,
    ];
}

/// Which checks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    off: u64,
}

impl Checks {
    /// All of them.
    pub const fn all() -> Self {
        Self { off: 0 }
    }

    /// All but one.
    #[cfg(feature = "testing")]
    pub const fn without(check: Check) -> Self {
        Self { off: 1 << check as u8 }
    }

    /// Whether the check is made.
    pub(crate) const fn on(self, check: Check) -> bool {
        self.off & (1 << check as u8) == 0
    }
}
