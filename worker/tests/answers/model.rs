//! A model as a recorded server plays it: it answers turn by turn, and keeps what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub struct Model {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    /// Answers these in turn; what is asked after the last is refused.
    pub fn start(turns: Vec<Value>) -> Model {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        std::thread::spawn(move || {
            let mut turns = turns.into_iter();
            for socket in listener.incoming() {
                let Ok(mut socket) = socket else { return };
                let Some(body) = body_of(&mut socket) else { continue };
                kept.lock().expect("nobody panics").push(body);
                let (status, answer) = match turns.next() {
                    Some(turn) => ("200 OK", turn.to_string()),
                    None => (
                        "400 Bad Request",
                        json!({"error": {"type": "invalid_request_error", "message": "no more turns"}})
                            .to_string(),
                    ),
                };
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
                let _ = write!(socket, "{head}content-length: {}\r\n\r\n{answer}", answer.len());
            }
        });
        Model { address, requests }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().expect("nobody panics").clone()
    }
}

/// The JSON body of one request.
fn body_of(socket: &mut TcpStream) -> Option<Value> {
    let (mut read, mut piece) = (Vec::new(), [0; 65_536]);
    loop {
        let count = socket.read(&mut piece).ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&piece[..count]);
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())?;
        while read.len() < end + 4 + length {
            let count = socket.read(&mut piece).ok().filter(|count| *count > 0)?;
            read.extend_from_slice(&piece[..count]);
        }
        return serde_json::from_slice(&read[end + 4..end + 4 + length]).ok();
    }
}

fn turn(stop: &str, content: Value) -> Value {
    json!({
        "model": "claude-stub", "stop_reason": stop, "content": content,
        "usage": {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 1000},
    })
}

/// A turn that calls tools.
pub fn calls(tools: &[(&str, Value)]) -> Value {
    let blocks: Vec<Value> = (0..)
        .zip(tools)
        .map(|(place, (name, input))| json!({"type": "tool_use", "id": format!("call-{place}"), "name": name, "input": input}))
        .collect();
    turn("tool_use", Value::Array(blocks))
}

/// A turn that hands an answer over.
pub fn gives(outcome: &str, text: &str, calculations: &[(&str, &str)]) -> Value {
    let calculations: Vec<Value> = calculations
        .iter()
        .map(|(expression, result)| json!({"expression": expression, "result": result}))
        .collect();
    calls(&[("give_answer", json!({"outcome": outcome, "text": text, "calculations": calculations}))])
}

/// A turn in words only.
pub fn says(text: &str, stop: &str) -> Value {
    turn(stop, json!([{"type": "text", "text": text}]))
}

/// A turn that declines.
pub fn refuses() -> Value {
    turn("refusal", json!([]))
}
