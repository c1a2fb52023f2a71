// SPDX-License-Identifier: MIT
// Decodes streams with tokio-util. Input and output: see peers.py.
use bytes::BytesMut;
use std::io::BufRead;
use tokio_util::codec::{AnyDelimiterCodec, Decoder, LengthDelimitedCodec, LinesCodec};

const MESSAGES_MAX: usize = 1000; // more are a decoder that makes no progress

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn show<T: AsRef<[u8]>>(out: &mut Vec<String>, message: T) -> bool {
    out.push(format!("m{}", message.as_ref().iter().map(|b| format!("{:02x}", b)).collect::<String>()));
    out.len() < MESSAGES_MAX
}

fn run<D>(mut decoder: D, pieces: &str) -> String
where
    D: Decoder,
    D::Item: AsRef<[u8]>,
    D::Error: std::fmt::Display,
{
    let (mut held, mut out, mut good) = (BytesMut::new(), Vec::new(), true);
    for piece in pieces.split(',') {
        held.extend_from_slice(&hex(piece));
        while good {
            match decoder.decode(&mut held) {
                Ok(Some(message)) => good = show(&mut out, message),
                Ok(None) => break,
                Err(_) => good = false,
            }
        }
    }
    while good {
        match decoder.decode_eof(&mut held) {
            Ok(Some(message)) => good = show(&mut out, message),
            Ok(None) => break,
            Err(error) if error.to_string().contains("bytes remaining") => break,
            Err(_) => good = false,
        }
    }
    out.push(if good { "ok" } else { "error" }.to_string());
    out.join(",")
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let result = match words[0].parse::<usize>().unwrap() {
@CASES@
            _ => panic!(),
        };
        println!("{}", result);
    }
}
