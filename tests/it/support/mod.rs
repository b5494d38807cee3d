//! What several tests need.

pub mod home;
