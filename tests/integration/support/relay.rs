//! A way to a server that can be cut, as a network can.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Listens on loopback, and hands everything on.
pub(crate) struct Relay {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    connections: Vec<TcpStream>,
}

impl Relay {
    /// A way to `backend`, `HOST:PORT`.
    pub(crate) fn start(backend: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::<Mutex<State>>::default();
        let (backend, shared) = (backend.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = shared.lock().expect("nobody panicked");
                if !state.is_cut
                    && let Ok(server) = TcpStream::connect(&backend)
                {
                    state.connections.extend([copy(&client), copy(&server)]);
                    pump(copy(&client), copy(&server));
                    pump(server, client);
                }
            }
        });
        Relay { address, state }
    }

    /// `HOST:PORT` of this side.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Ends all connections, and every new one at once.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().expect("nobody panicked");
        state.is_cut = true;
        for connection in state.connections.drain(..) {
            // Its other side may have ended it already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Hands on again.
    pub(crate) fn mend(&self) {
        self.state.lock().expect("nobody panicked").is_cut = false;
    }
}

fn copy(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a socket can be shared")
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // However it ends, the other side has to know.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}
