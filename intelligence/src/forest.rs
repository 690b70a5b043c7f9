//! A flat evaluator of LightGBM's trees: plain arrays, safe to share, and several times as fast as the library.
//!
//! A block of rows is turned into ranks among each feature's thresholds (two bytes a value, so a block stays in the
//! first-level cache). A tree of at most 16 leaves is then evaluated for many rows at once without a branch, by the
//! bit masks of QuickScorer (Lucchese and others, SIGIR 2015): every node that a row fails clears the leaves of its
//! left subtree, and the lowest leaf that remains is the row's. Wider trees are walked.

mod parse;

use std::ops::Range;

use rayon::prelude::*;

use crate::matrix::Matrix;
use parse::{Parsed, parse_text};

/// Trees of several models over the same features; the score of a row is the mean of the models' raw scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    width: usize,
    features: Vec<Ranked>,
    columns: usize,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// 16 a tree for narrow trees, as many as it has for wide ones.
    leaves: Vec<f64>,
}

/// Why a text is no usable model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForestError {
    /// The text has no models or trees.
    #[error("the model has no trees")]
    Empty,
    /// Something is missing or not of the form that LightGBM writes.
    #[error("line {line} of the model: {what}")]
    Malformed {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The model was made for other features.
    #[error("the model was trained on other features: {found:?} where {expected:?} is expected")]
    Features {
        /// The first name that differs, or nothing.
        found: Option<String>,
        /// What should be there, or nothing.
        expected: Option<String>,
    },
}

/// Rows that are scored together.
const BLOCK: usize = 128;
/// Rows whose masks are held in registers.
const LANES: usize = 32;
/// Leaves that a mask has bits for.
const NARROW: usize = 16;

/// A feature that some node asks for, with all its thresholds.
#[derive(Clone, Debug, PartialEq)]
struct Ranked {
    feature: usize,
    thresholds: Vec<f32>,
    /// The columns of ranks made from it, by what becomes of a missing value.
    columns: [Option<u16>; 3],
}

/// Where a missing value goes; the numbers index `Ranked::columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// It counts as 0: the feature was never missing in training.
    Zero = 0,
    Left = 1,
    Right = 2,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    column: u16,
    /// Rows of at most this rank go left.
    rank: i16,
    /// Narrow trees: the leaves that are left when a row goes right.
    mask: u16,
    /// Wide trees: next node, or `!leaf` when negative.
    left: i16,
    right: i16,
}

#[derive(Clone, Debug, PartialEq)]
struct Tree {
    nodes: Range<u32>,
    leaves: Range<u32>,
    narrow: bool,
}

impl Forest {
    /// Reads the texts of models trained on exactly these features.
    ///
    /// # Errors
    /// A text that is cut off, malformed, or of other features.
    pub fn parse(texts: &[String], names: &[&str]) -> Result<Forest, ForestError> {
        let mut parsed = Vec::new();
        for text in texts {
            parsed.extend(parse_text(text, names)?);
        }
        if parsed.is_empty() {
            return Err(ForestError::Empty);
        }
        Forest::build(parsed, names.len(), 1.0 / texts.len() as f64)
    }

    /// The mean raw score of every row, in order. The bits do not depend on the number of threads.
    ///
    /// # Panics
    /// The table has another number of columns than the model has features.
    pub fn scores(&self, rows: &Matrix) -> Vec<f64> {
        assert_eq!(rows.columns(), self.width, "a column a feature");
        let mut scores = vec![0.0; rows.rows()];
        let buffer = || vec![[0i16; BLOCK]; self.columns];
        scores
            .par_chunks_mut(BLOCK)
            .zip(rows.values().par_chunks(BLOCK * self.width))
            .for_each_init(buffer, |ranks, (scores, values)| self.score_block(values, ranks, scores));
        scores
    }

    /// The mean raw score of one row.
    ///
    /// # Panics
    /// The row has another number of values than the model has features.
    pub fn score(&self, row: &[f32]) -> f64 {
        assert_eq!(row.len(), self.width, "a value a feature");
        let mut score = [0.0];
        self.score_block(row, &mut vec![[0i16; BLOCK]; self.columns], &mut score);
        score[0]
    }

    /// How many trees all models have together.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    fn score_block(&self, values: &[f32], ranks: &mut [[i16; BLOCK]], scores: &mut [f64]) {
        for ranked in &self.features {
            ranked.rank(values, self.width, ranks);
        }
        let mut sums = [0.0; BLOCK];
        for tree in &self.trees {
            let nodes = &self.nodes[tree.nodes.start as usize..tree.nodes.end as usize];
            let leaves = &self.leaves[tree.leaves.start as usize..tree.leaves.end as usize];
            match <&[f64; NARROW]>::try_from(leaves) {
                Ok(leaves) if tree.narrow => {
                    for start in (0..scores.len()).step_by(LANES) {
                        let sums = &mut sums[start..start + LANES];
                        add_narrow(nodes, leaves, ranks, start, sums);
                    }
                }
                _ => {
                    for (row, sum) in sums.iter_mut().enumerate().take(scores.len()) {
                        *sum += leaves[walk(nodes, ranks, row)];
                    }
                }
            }
        }
        scores.copy_from_slice(&sums[..scores.len()]);
    }

    fn build(parsed: Vec<Parsed>, width: usize, share: f64) -> Result<Forest, ForestError> {
        let mut thresholds: Vec<Vec<f32>> = vec![Vec::new(); width];
        let mut asked = vec![[false; 3]; width];
        for node in parsed.iter().flat_map(|tree| &tree.nodes) {
            thresholds[node.feature].push(node.threshold);
            asked[node.feature][node.missing as usize] = true;
        }
        let (mut features, mut columns) = (Vec::new(), 0u16);
        let mut place = vec![usize::MAX; width];
        for (feature, mut thresholds) in
            thresholds.into_iter().enumerate().filter(|(_, list)| !list.is_empty())
        {
            thresholds.sort_by(f32::total_cmp);
            thresholds.dedup();
            if thresholds.len() >= i16::MAX as usize {
                return Err(ForestError::Malformed { line: 0, what: "too many thresholds of one feature" });
            }
            place[feature] = features.len();
            let columns = asked[feature].map(|asked| {
                asked.then(|| {
                    columns += 1;
                    columns - 1
                })
            });
            features.push(Ranked { feature, thresholds, columns });
        }
        let (mut trees, mut nodes, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
        for tree in parsed {
            let narrow = tree.leaves.len() <= NARROW;
            let (first_node, first_leaf) = (nodes.len() as u32, leaves.len() as u32);
            let masks = tree.masks();
            for (node, mask) in tree.nodes.iter().zip(masks) {
                let ranked = &features[place[node.feature]];
                let rank = ranked.thresholds.partition_point(|threshold| *threshold < node.threshold);
                let column = ranked.columns[node.missing as usize].unwrap_or_default();
                nodes.push(Node { column, rank: rank as i16, mask, left: node.left, right: node.right });
            }
            leaves.extend(tree.leaves_in_order(narrow).map(|leaf| leaf * share));
            if narrow {
                leaves.resize(first_leaf as usize + NARROW, 0.0);
            }
            trees.push(Tree {
                nodes: first_node..nodes.len() as u32,
                leaves: first_leaf..leaves.len() as u32,
                narrow,
            });
        }
        Ok(Forest { width, features, columns: usize::from(columns), trees, nodes, leaves })
    }
}

impl Ranked {
    /// Writes a block's ranks: how many thresholds lie below the value, so that `value <= threshold[k]` is
    /// `rank <= k`.
    fn rank(&self, values: &[f32], width: usize, ranks: &mut [[i16; BLOCK]]) {
        let rank_of = |value: f32| self.thresholds.partition_point(|threshold| *threshold < value) as i16;
        let zero = rank_of(0.0);
        let missing = [zero, -1, i16::MAX];
        let mut found = [0i16; BLOCK];
        let mut absent = [false; BLOCK];
        let mut any_absent = false;
        for (i, row) in values.chunks_exact(width).enumerate() {
            let value = row[self.feature];
            found[i] = rank_of(value);
            absent[i] = value.is_nan();
            any_absent |= absent[i];
        }
        for (column, missing) in self.columns.iter().zip(missing) {
            let Some(column) = *column else { continue };
            let to = &mut ranks[usize::from(column)];
            *to = found;
            if any_absent {
                for (rank, absent) in to.iter_mut().zip(absent) {
                    *rank = if absent { missing } else { *rank };
                }
            }
        }
    }
}

/// Adds a narrow tree's leaves to `LANES` rows of the block.
#[inline]
fn add_narrow(
    nodes: &[Node],
    leaves: &[f64; NARROW],
    ranks: &[[i16; BLOCK]],
    start: usize,
    sums: &mut [f64],
) {
    let mut masks = [u16::MAX; LANES];
    for node in nodes {
        let ranks = &ranks[usize::from(node.column)][start..start + LANES];
        for (mask, rank) in masks.iter_mut().zip(ranks) {
            let stays = if *rank <= node.rank { u16::MAX } else { 0 };
            *mask &= stays | node.mask;
        }
    }
    for (sum, mask) in sums.iter_mut().zip(masks) {
        *sum += leaves[mask.trailing_zeros() as usize & (NARROW - 1)];
    }
}

/// The leaf of a row in a wide tree.
fn walk(nodes: &[Node], ranks: &[[i16; BLOCK]], row: usize) -> usize {
    let mut next = if nodes.is_empty() { !0 } else { 0i16 };
    while next >= 0 {
        let node = &nodes[next as usize];
        next = if ranks[usize::from(node.column)][row] <= node.rank { node.left } else { node.right };
    }
    !next as usize
}

#[cfg(test)]
mod tests;
