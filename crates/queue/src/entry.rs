//! The bytes of one entry. In shared memory they live no longer than the server; between a standby and its primary
//! [`WIRE_FORMAT`] says which they are.

/// The form of [`Entry::encode`], for servers that talk to each other. To be changed with it.
pub const WIRE_FORMAT: &str = "1";

/// What the database knew about the session that did it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The role that logged in.
    pub session_user: Vec<u8>,
    /// The role in effect.
    pub current_user: Vec<u8>,
    /// The client's address, as the bytes of an `inet`.
    pub client_addr: Option<Vec<u8>>,
    /// The client's application name.
    pub application: Option<Vec<u8>>,
}

/// An event that is to be recorded on behalf of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Who did it.
    pub provenance: Provenance,
    /// The event as JSON text, with its id and the time at which it happened.
    pub document: String,
}

/// Length that means NULL.
const NULL: u32 = u32::MAX;
/// Fields of an entry, each with a length before it.
const FIELDS: usize = 5;

impl Entry {
    /// Bytes of [`Entry::encode`] for a document of this length.
    pub fn size(provenance: &Provenance, document: usize) -> usize {
        let optional = |field: &Option<Vec<u8>>| field.as_ref().map_or(0, Vec::len);
        FIELDS * 4
            + provenance.session_user.len()
            + provenance.current_user.len()
            + optional(&provenance.client_addr)
            + optional(&provenance.application)
            + document
    }

    /// The entry as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let who = &self.provenance;
        let mut out = Vec::with_capacity(Entry::size(who, self.document.len()));
        let fields: [Option<&[u8]>; FIELDS] = [
            Some(&who.session_user),
            Some(&who.current_user),
            who.client_addr.as_deref(),
            who.application.as_deref(),
            Some(self.document.as_bytes()),
        ];
        for field in fields {
            let length = field.map_or(NULL, |field| field.len() as u32);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(field.unwrap_or_default());
        }
        out
    }

    /// The entry in these bytes; `None` when it is none.
    pub fn decode(mut bytes: &[u8]) -> Option<Entry> {
        let mut fields: [Option<Vec<u8>>; FIELDS] = Default::default();
        for field in &mut fields {
            let (length, rest) = bytes.split_first_chunk::<4>()?;
            bytes = rest;
            let length = u32::from_le_bytes(*length);
            if length != NULL {
                let (value, rest) = bytes.split_at_checked(length as usize)?;
                *field = Some(value.to_vec());
                bytes = rest;
            }
        }
        let [session_user, current_user, client_addr, application, document] = fields;
        let entry = Entry {
            provenance: Provenance {
                session_user: session_user?,
                current_user: current_user?,
                client_addr,
                application,
            },
            document: String::from_utf8(document?).ok()?,
        };
        bytes.is_empty().then_some(entry)
    }
}
