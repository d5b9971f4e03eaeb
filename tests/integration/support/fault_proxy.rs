//! A way to a registry on which something happens to what fp asks, and nothing to what an engine does.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::scripted_registry::{Reply, Request, ScriptedRegistry};

/// What the registry behind says to a request.
pub(crate) type Ask<'a> = &'a dyn Fn() -> Reply;

/// Listens on loopback. Its acceptor lives as long as the tests.
pub(crate) struct FaultProxy {
    address: SocketAddr,
    _scripted: ScriptedRegistry,
}

impl FaultProxy {
    /// A way to the registry at `backend`, `HOST:PORT`, on which `script` answers fp.
    pub(crate) fn start(
        backend: &str,
        script: impl Fn(&Request, Ask<'_>) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let behind = backend.to_owned();
        let scripted = ScriptedRegistry::start(move |request| {
            script(request, &|| handed_on(request, &behind))
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let (backend, own) = (backend.to_owned(), scripted.host());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (backend, own) = (backend.clone(), own.clone());
                thread::spawn(move || {
                    let host = if is_of_fp(&client) { own } else { backend };
                    // Whoever went away is waited for by nobody.
                    let _ = TcpStream::connect(host).and_then(|server| join(client, server));
                });
            }
        });
        FaultProxy {
            address,
            _scripted: scripted,
        }
    }

    /// `HOST:PORT` of this side.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }
}

/// Whether a connection's first request is one of fp's. Nothing is taken from the connection.
fn is_of_fp(client: &TcpStream) -> bool {
    let mut buffer = [0; 8 << 10];
    for _ in 0..10_000 {
        let Ok(length) = client.peek(&mut buffer) else {
            return false;
        };
        let head = String::from_utf8_lossy(&buffer[..length]).to_ascii_lowercase();
        let is_http = buffer[0].is_ascii_uppercase();
        if length == 0 || !is_http || head.contains("\r\n\r\n") {
            return head.contains("\r\nuser-agent: fp/");
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

fn join(client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_server, mut to_client) = (server, client);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let copied = std::io::copy(&mut from_server, &mut to_client);
    // A reset has to reach the client as one; an end does so in any case.
    let _ = to_client.shutdown(Shutdown::Both);
    copied.map(drop)
}

/// Asks the registry itself, in the words of HTTP 1.0, so that the answer ends with the connection.
pub(crate) fn handed_on(request: &Request, backend: &str) -> Reply {
    let mut head = format!("{} {} HTTP/1.0\r\n", request.method, request.target);
    for name in ["Host", "Accept", "Content-Type", "Authorization"] {
        if let Some(value) = request.header(name) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", request.body.len()));
    let mut stream = TcpStream::connect(backend).expect("the lab's registry runs");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&request.body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).expect("a status").parse().unwrap();
    let mut reply = Reply::status(status).body(&answer[end + 4..]);
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if !["content-length", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            reply = reply.header(name, value);
        }
    }
    reply
}
