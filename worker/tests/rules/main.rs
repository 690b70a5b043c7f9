//! Rules through the queue: what happens is looked at once, in the listed order; chains end, budgets hold, machines cause
//! nothing; a trial on the past finds what a run did; calls leave signed and to where they may.

mod calls;
mod desk;
mod runs;
mod timed;
mod trials;
