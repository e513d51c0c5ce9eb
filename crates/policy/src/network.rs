//! Hosts and URLs in every spelling, and what kind of address each is.

mod address;
mod url;

pub(crate) use self::{
    address::{Cidr, Kind, kind_of, parse_address},
    url::{Host, Read, read_host, read_url},
};
