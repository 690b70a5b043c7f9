//! People: who may sign in, what their roles allow, and how they prove who they are.
//!
//! Nothing that a person presents is stored. A password is an argon2id hash ([`passwords`]). Refresh tokens and the
//! links of invitations and resets are made of an id and a code under a key that follows from the master key
//! ([`codes`]), so a copy of the database signs nobody in.

pub mod access_tokens;
pub mod codes;
pub mod links;
pub mod logins;
pub mod oidc;
pub mod passwords;
pub mod permissions;
pub mod sessions;
