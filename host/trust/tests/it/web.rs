//! An index over the network: a plain server on this computer.

use std::{
    fs,
    io::{BufRead, BufReader, Read as _, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use parfocal_trust::{Index, Limits, Place};

use crate::{
    indexes::shelf,
    support::{Lab, corrupt, now, refused},
};

/// Serves a folder until as many requests were answered. `strange` answers first.
fn serve(
    folder: PathBuf,
    requests: usize,
    strange: fn(&str, &mut TcpStream) -> bool,
) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            answer(&folder, stream.unwrap(), strange);
        }
    });
    (address, thread)
}

fn answer(folder: &Path, mut stream: TcpStream, strange: fn(&str, &mut TcpStream) -> bool) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let path = first.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
    if strange(&path, &mut stream) {
        return;
    }
    // A client that has heard enough may hang up.
    let _ = match fs::read(folder.join(&path)) {
        Ok(bytes) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes))
        }
        Err(_) => {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        }
    };
}

#[test]
fn an_index_and_a_package_are_fetched_and_installed() {
    let lab = Lab::new();
    let (address, server) = serve(shelf(&lab, &["0.1.0"]), 4, |_, _| false);
    let place: Place = address.parse().unwrap();
    let index = Index::open(&place, &lab.store(), &lab.state(), now()).unwrap();
    let offered = Index::fetch(&place, &index.packages[0], &Limits::default()).unwrap();
    lab.install(offered.archive.path()).unwrap();
    let missing: Place = format!("{address}/nowhere").parse().unwrap();
    refused(Index::open(&missing, &lab.store(), &lab.state(), now()), "not-found");
    server.join().unwrap();
    refused(Index::open(&place, &lab.store(), &lab.state(), now()), "lost");
}

#[test]
fn a_server_that_sends_more_than_it_should_is_cut_off() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    fn endless(path: &str, stream: &mut TcpStream) -> bool {
        if !path.ends_with(".pfp") {
            return false;
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while SENT.load(Ordering::SeqCst) < 1 << 30 && stream.write_all(&[0; 1 << 16]).is_ok() {
            SENT.fetch_add(1 << 16, Ordering::SeqCst);
        }
        true
    }
    let lab = Lab::new();
    let (address, server) = serve(shelf(&lab, &["0.1.0"]), 3, endless);
    let place: Place = address.parse().unwrap();
    let index = Index::open(&place, &lab.store(), &lab.state(), now()).unwrap();
    corrupt(Index::fetch(&place, &index.packages[0], &Limits::default()));
    server.join().unwrap();
    assert!(SENT.load(Ordering::SeqCst) < 1 << 26, "{SENT:?} bytes were taken");
}

#[test]
fn nobody_is_sent_elsewhere() {
    fn elsewhere(_: &str, stream: &mut TcpStream) -> bool {
        let head = "HTTP/1.1 302 Found\r\nLocation: http://a.invalid/index.toml\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.read(&mut [0; 16]);
        true
    }
    let lab = Lab::new();
    let (address, server) = serve(lab.path("none"), 1, elsewhere);
    let place: Place = address.parse().unwrap();
    refused(Index::open(&place, &lab.store(), &lab.state(), now()), "lost");
    server.join().unwrap();
}
