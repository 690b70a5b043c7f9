//! A table of numbers, one row a customer and one column a feature.

/// Rows of equal width. A value that is missing is stored as NaN, which is also how LightGBM reads it; `get` is the
/// way out and answers `None` for it, so that no NaN reaches an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// A table of missing values.
    pub fn missing(rows: usize, columns: usize) -> Matrix {
        Matrix { columns, values: vec![f32::NAN; rows * columns] }
    }

    /// A table of these values, row after row.
    ///
    /// # Panics
    /// The number of values is no multiple of `columns`.
    pub fn from_values(columns: usize, values: Vec<f32>) -> Matrix {
        assert!(columns > 0 && values.len().is_multiple_of(columns), "rows of {columns} values");
        Matrix { columns, values }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.columns).unwrap_or(0)
    }

    /// How many columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row; a missing value is NaN.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// One row, to be written.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.columns..][..self.columns]
    }

    /// A value, if it is there.
    pub fn get(&self, row: usize, column: usize) -> Option<f32> {
        Some(self.row(row)[column]).filter(|value| value.is_finite())
    }

    /// All values, row after row; missing ones are NaN.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be written.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// These rows, in this order.
    pub fn select(&self, rows: &[usize]) -> Matrix {
        let mut values = Vec::with_capacity(rows.len() * self.columns);
        for &row in rows {
            values.extend_from_slice(self.row(row));
        }
        Matrix { columns: self.columns, values }
    }

    /// The rows of another table below these.
    ///
    /// # Panics
    /// The tables differ in width and neither is empty.
    pub fn append(&mut self, other: &Matrix) {
        if self.columns == 0 {
            self.columns = other.columns;
        }
        assert_eq!(self.columns, other.columns, "tables of equal width");
        self.values.extend_from_slice(&other.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_never_comes_out_as_a_number() {
        let mut table = Matrix::missing(2, 3);
        table.row_mut(1)[2] = 4.0;
        assert_eq!((table.rows(), table.columns()), (2, 3));
        assert_eq!(table.get(0, 0), None);
        assert_eq!(table.get(1, 2), Some(4.0));
        let mut last = table.select(&[1]);
        last.append(&table);
        assert_eq!((last.rows(), last.get(0, 2)), (3, Some(4.0)));
    }
}
