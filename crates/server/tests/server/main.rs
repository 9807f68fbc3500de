//! The server from outside: real clusters, real logins, real HTTP.

mod browser;
mod client;
mod contract;
mod export;
mod faults;
mod hostile;
mod identity;
mod matrix;
mod pages;
mod provider;
mod recording;
mod sse;
mod sso;
mod sso_refusals;
mod sso_site;
mod stream;
mod stream_soak;
mod tokens;
mod viewer;
mod viewer_pages;
mod visibility;
mod web_forms;
mod web_pages;
mod web_safety;
mod web_tokens;
mod world;
