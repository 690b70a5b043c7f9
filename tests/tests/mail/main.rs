//! Mail from end to end: what comes becomes tickets and threads, what machines send is kept and answered by nobody, what
//! leaves is threaded, sent once, and known to have come back; against a mail server that records and misbehaves.

mod door;
mod leaving;
mod machines;
mod odd;
mod shop;
mod threads;
