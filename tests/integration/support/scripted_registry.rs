//! An HTTP server on loopback that answers as a test scripts it, and remembers what it was asked.
//!
//! It exists for the answers that no real registry can be made to give: resets, silence, loops and
//! lies. What a working registry does is tested against a real one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Stops when it is dropped.
pub(crate) struct ScriptedRegistry {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    is_stopping: AtomicBool,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What the server does with a request.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Breaks the connection off before anything was said.
    Reset,
    /// Never answers, and keeps the connection open.
    Silence,
    /// Sends half of the body, and promises more than the whole.
    CutShort {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Answers 200, does not say how long the body is, and sends more and more of it.
    Endless,
    /// Answers 200, and then sends a byte of the body every tenth of a second without an end.
    Drip,
}

impl ScriptedRegistry {
    pub(crate) fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("failed to listen on loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        ScriptedRegistry {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// `127.0.0.1:PORT`, as a repository begins.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared
            .requests
            .lock()
            .expect("no script panicked")
            .clone()
    }

    /// `METHOD TARGET` of every request so far.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|r| format!("{} {}", r.method, r.target))
            .collect()
    }
}

impl Drop for ScriptedRegistry {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Reply::Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Reply::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same answer, broken off in its body.
    pub(crate) fn cut_short(self) -> Self {
        match self {
            Reply::Answer {
                status,
                headers,
                body,
            } => Reply::CutShort {
                status,
                headers,
                body,
            },
            other => other,
        }
    }

    pub(crate) fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        if let Reply::Answer { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopping.load(Ordering::SeqCst) {
            return;
        }
        if let Ok(stream) = stream {
            let shared = Arc::clone(shared);
            // A client that goes away in the middle is part of some tests.
            thread::spawn(move || serve(stream, &shared).ok());
        }
    }
}

/// The first byte of a client that tries TLS.
const TLS_HANDSHAKE: u8 = 0x16;

/// Answers in plain text, so that an engine that tried TLS first tries again without.
fn refuse_tls(stream: &mut TcpStream) -> std::io::Result<()> {
    write_head(stream, 400, &[], 0)?;
    stream.shutdown(Shutdown::Write)?;
    // What is unread when the connection closes would reset it, and take the answer along.
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    std::io::copy(stream, &mut std::io::sink()).map(drop)
}

fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Ok(request) = read_all_but_one_byte(&mut stream, shared) else {
        return refuse_tls(&mut stream);
    };
    shared
        .requests
        .lock()
        .expect("no script panicked")
        .push(request.clone());
    let reply = (shared.script)(&request);
    if let Reply::Reset = reply {
        // Closing with a byte unread is what makes the system send a reset.
        return Ok(());
    }
    stream.read_exact(&mut [0])?;
    match reply {
        Reply::Answer {
            status,
            headers,
            body,
        } => {
            write_head(&mut stream, status, &headers, body.len())?;
            if request.method == "HEAD" {
                Ok(())
            } else {
                stream.write_all(&body)
            }
        }
        Reply::Reset => Ok(()),
        Reply::Silence => {
            wait_for_the_end(shared);
            Ok(())
        }
        Reply::CutShort {
            status,
            headers,
            body,
        } => {
            write_head(&mut stream, status, &headers, body.len() + 1000)?;
            stream.write_all(&body[..body.len() / 2])
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 Scripted\r\nConnection: close\r\n\r\n")?;
            while !shared.is_stopping.load(Ordering::SeqCst) {
                stream.write_all(&[b' '; 64 << 10])?;
            }
            Ok(())
        }
        Reply::Drip => {
            write_head(&mut stream, 200, &[], 1_000_000)?;
            while !shared.is_stopping.load(Ordering::SeqCst) {
                stream.write_all(b" ")?;
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
    }
}

fn wait_for_the_end(shared: &Shared) {
    while !shared.is_stopping.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
    }
}

fn read_all_but_one_byte(stream: &mut TcpStream, shared: &Shared) -> std::io::Result<Request> {
    let head = peek_head(stream, shared)?;
    let mut request = parse_head(&String::from_utf8_lossy(&head));
    if request.header("transfer-encoding") == Some("chunked") {
        stream.read_exact(&mut vec![0; head.len()])?;
        request.body = read_chunks(stream)?;
        return Ok(request);
    }
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut bytes = vec![0; head.len() + length.unwrap_or(0)];
    let last = bytes.len() - 1;
    stream.read_exact(&mut bytes[..last])?;
    stream.peek(&mut bytes[last..])?;
    request.body = bytes.split_off(head.len());
    Ok(request)
}

/// Reads a body in chunks (RFC 9112, 7.1), but for its very last byte.
fn read_chunks(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            line.extend(byte);
        }
        let size = String::from_utf8_lossy(&line);
        let size = usize::from_str_radix(size.trim_end(), 16);
        let size = size.map_err(std::io::Error::other)?;
        if size == 0 {
            stream.read_exact(&mut [0])?;
            return Ok(body);
        }
        let begin = body.len();
        body.resize(begin + size, 0);
        stream.read_exact(&mut body[begin..])?;
        stream.read_exact(&mut [0; 2])?;
    }
}

/// Waits for the empty line that ends the head, and takes nothing from the connection.
fn peek_head(stream: &TcpStream, shared: &Shared) -> std::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 64 << 10];
    while !shared.is_stopping.load(Ordering::SeqCst) {
        let length = stream.peek(&mut buffer)?;
        if let Some(end) = buffer[..length]
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        {
            buffer.truncate(end + 4);
            return Ok(buffer);
        }
        if length == 0 || buffer[0] == TLS_HANDSHAKE {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

fn parse_head(head: &str) -> Request {
    let mut lines = head.lines();
    let mut words = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Request {
        method,
        target,
        headers,
        body: Vec::new(),
    }
}

fn write_head(
    stream: &mut TcpStream,
    status: u16,
    headers: &[(String, String)],
    length: usize,
) -> std::io::Result<()> {
    // Engines go by these words.
    let reason = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        _ => "Scripted",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {length}\r\n\r\n"));
    stream.write_all(head.as_bytes())
}
