//! Sends a request to a server elsewhere and takes in its answer. Follows no redirect, uses no proxy, and knows nothing of
//! who asks. This is no HTTP server.

mod address;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use domain::webhook::WebhookUrl;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderName},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};
use tokio_rustls::TlsConnector;

use self::address::is_public;

/// Sends requests. Cheap to clone; the authorities to trust are read once, when they are first needed.
#[derive(Clone, Default)]
pub(crate) struct HttpClient {
    tls: Arc<OnceLock<Option<Arc<ClientConfig>>>>,
}

/// A request to send.
#[derive(Debug)]
pub(crate) struct Post<'a> {
    pub(crate) url: &'a WebhookUrl,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The server may be in a network that is not the public internet.
    pub(crate) allow_private: bool,
    /// The longest answer that is taken in, in bytes.
    pub(crate) limit: usize,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// The address says no host, or one that is no name.
    #[error("the address names no host")]
    NoHost,
    /// The host's name leads nowhere.
    #[error("the host {host} was not found: {source}")]
    Unknown { host: String, source: io::Error },
    /// The host is where requests from outside have no business.
    #[error(
        "the host {host} is at {address}, which is no address of the public internet; allow_private allows it"
    )]
    Private { host: String, address: IpAddr },
    /// Nobody answers there.
    #[error("{address} could not be reached: {source}")]
    Unreachable { address: SocketAddr, source: io::Error },
    /// The server does not prove who it is, or speaks no TLS.
    #[error("no secure connection: {0}")]
    Tls(io::Error),
    /// This machine has no authorities to trust.
    #[error("no secure connection: the machine has no authorities to trust")]
    NoTrust,
    /// The server speaks no HTTP, or stopped in the middle.
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
    /// A header has a value that no header can have.
    #[error("the request is malformed: {0}")]
    Malformed(#[from] hyper::http::Error),
    /// The answer is longer than what is taken in.
    #[error("the answer is longer than {0} bytes")]
    TooMuch(usize),
}

impl HttpClient {
    /// Sends a request and takes in the answer, whatever its status. The host is looked up once, and what was looked at is
    /// what is connected to. Takes as long as the server does; the caller sets a limit by dropping the future.
    pub(crate) async fn post(&self, post: Post<'_>) -> Result<Reply, PostError> {
        let uri: Uri = post.url.as_str().parse().map_err(|_| PostError::NoHost)?;
        let host = uri.host().ok_or(PostError::NoHost)?.trim_matches(['[', ']']).to_owned();
        let is_secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let stream = connect(&host, port, post.allow_private).await?;
        if !is_secure {
            return exchange(stream, &uri, post).await;
        }
        let config = self.tls.get_or_init(trusting).clone().ok_or(PostError::NoTrust)?;
        let name = ServerName::try_from(host).map_err(|_| PostError::NoHost)?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(PostError::Tls)?;
        exchange(stream, &uri, post).await
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpClient")
    }
}

/// Trusts whom the operating system trusts; `None` when that cannot be found out.
fn trusting() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    (added > 0).then(|| Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn connect(host: &str, port: u16, allow_private: bool) -> Result<TcpStream, PostError> {
    let unknown = |source| PostError::Unknown { host: host.to_owned(), source };
    let found: Vec<_> = lookup_host((host, port)).await.map_err(unknown)?.collect();
    let first = found.first().ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))?;
    let refused = PostError::Private { host: host.to_owned(), address: first.ip() };
    let mut last = refused;
    for address in found.into_iter().filter(|address| allow_private || is_public(address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(source) => last = PostError::Unreachable { address, source },
        }
    }
    Err(last)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    uri: &Uri,
    post: Post<'_>,
) -> Result<Reply, PostError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let host = uri.authority().ok_or(PostError::NoHost)?.as_str();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path).header(HOST, host).header("content-type", "application/json");
    for (name, value) in post.headers {
        request = request.header(HeaderName::from_static(name), value);
    }
    let request = request.body(Full::new(Bytes::from(post.body)))?;
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body =
            Limited::new(body, post.limit).collect().await.map_err(|error| too_much(error, post.limit))?;
        Ok(Reply { status: parts.status.as_u16(), body: body.to_bytes().to_vec() })
    };
    // The connection is driven here and not by a task, so that dropping the future closes it.
    tokio::pin!(answer, connection);
    tokio::select! {
        answered = &mut answer => answered,
        // Whoever has said all may hang up as they like, without the end that TLS asks for, say: what was said counts.
        ended = &mut connection => match (answer.await, ended) {
            (Err(_), Err(error)) => Err(error.into()),
            (answered, _) => answered,
        },
    }
}

fn too_much(error: Box<dyn std::error::Error + Send + Sync>, limit: usize) -> PostError {
    match error.downcast::<hyper::Error>() {
        Ok(error) => PostError::Http(*error),
        Err(other) => {
            debug_assert!(other.is::<LengthLimitError>(), "{other}");
            PostError::TooMuch(limit)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request with these bytes; gives its address and, later, what it was sent.
    async fn server(answer: &'static [u8]) -> (WebhookUrl, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?a=1", listener.local_addr().expect("an address"));
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut heard = vec![0; 4096];
            let count = stream.read(&mut heard).await.expect("a request");
            stream.write_all(answer).await.expect("a reader");
            String::from_utf8_lossy(&heard[..count]).into_owned()
        });
        (url.parse().expect("an address"), heard)
    }

    fn post(url: &WebhookUrl) -> Post<'_> {
        let headers = vec![("webhook-id", "id-1".to_owned())];
        Post { url, headers, body: b"{}".to_vec(), allow_private: true, limit: 10 }
    }

    #[tokio::test]
    async fn a_request_goes_out_and_the_answer_comes_back() {
        let (url, heard) = server(b"HTTP/1.1 418 no\r\ncontent-length: 4\r\n\r\nwhy?").await;
        let reply = HttpClient::default().post(post(&url)).await.expect("an answer");
        assert_eq!(reply, Reply { status: 418, body: b"why?".to_vec() });
        let heard = heard.await.expect("a request");
        assert!(heard.starts_with("POST /hook?a=1 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains("webhook-id: id-1\r\n") && heard.ends_with("\r\n\r\n{}"), "{heard}");
    }

    #[tokio::test]
    async fn a_long_answer_is_not_taken_in() {
        let (url, _) = server(b"HTTP/1.1 200 ok\r\ncontent-length: 11\r\n\r\n0123456789x").await;
        let refused = HttpClient::default().post(post(&url)).await;
        assert!(matches!(refused, Err(PostError::TooMuch(10))), "{refused:?}");
    }

    #[tokio::test]
    async fn a_private_address_is_not_connected_to_however_it_is_written() {
        let client = HttpClient::default();
        for host in ["127.0.0.1", "[::1]", "localhost", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0"] {
            let url = format!("http://{host}:9/").parse().expect("an address");
            let refused = client.post(Post { allow_private: false, ..post(&url) });
            let refused = tokio::time::timeout(Duration::from_secs(10), refused).await.expect("at once");
            assert!(matches!(refused, Err(PostError::Private { .. })), "{host}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_http_is_said() {
        let (url, _) = server(b"nonsense\r\n\r\n").await;
        let error = HttpClient::default().post(post(&url)).await.expect_err("nonsense");
        assert!(error.to_string().starts_with("no answer: "), "{error}");
    }
}
