//! Addresses of databases on one server.

/// The same server and options, another database.
pub(super) fn with_database(url: &str, database: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let host_start = address.find("://").map_or(0, |scheme_end| scheme_end + "://".len());
    let path_start = address[host_start..].find('/').map_or(address.len(), |slash| host_start + slash);
    format!("{}/{database}{query}", &address[..path_start])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_changes() {
        let url = |path: &str| format!("postgres://me:pw@127.0.0.1:5432{path}");
        assert_eq!(with_database(&url("/postgres"), "other"), url("/other"));
        assert_eq!(with_database(&url(""), "other"), url("/other"));
        assert_eq!(with_database(&url("/a?connect_timeout=3"), "other"), url("/other?connect_timeout=3"));
    }
}
