//! The pages, one file each with its view model.

pub mod admin;
pub mod alert;
pub mod alert_form;
pub mod alerts;
pub mod dashboard;
pub mod error;
pub mod event;
pub mod help;
pub mod integrity;
pub mod live;
pub mod login;
pub mod report;
pub mod reports;
pub mod search;
pub mod viewer;
pub mod viewer_link;
