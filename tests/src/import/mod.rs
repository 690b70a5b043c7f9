//! Files of orders of any size, as shops have them.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Our own columns, a line a row.
    Canonical,
    /// Shopify's order export: an order's data in its first row, blanks in the others.
    Shopify,
}

/// What is to be in a file.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// Lines, which are reached with the last order.
    pub lines: u64,
    /// Customers who order, in turn of no order.
    pub customers: u64,
    /// One of so many orders is in the file.
    pub one_in: u64,
    /// Added to each price, so that an earlier file says something else.
    pub extra_cents: u64,
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Orders.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
}

const CANONICAL: &str =
    "order_id,customer_id,ordered_at,product_id,category,quantity,amount,list_amount,currency";
const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,\
    Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,\
    Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,\
    Lineitem fulfillment status,Cancelled at,Refunded Amount,Vendor,Id,Tags,Source,Lineitem discount";

/// Writes a file.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, form: Form, contents: &Contents) -> io::Result<Written> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "{}", if form == Form::Canonical { CANONICAL } else { SHOPIFY })?;
    let (mut order, mut seen, mut written) = (0, 0, Written::default());
    while seen < contents.lines {
        let random = mix(order);
        // One to five lines, three on average.
        let lines = 1 + random % 5;
        seen += lines;
        if order % contents.one_in == 0 {
            write_order(&mut out, form, contents, (order, random, lines))?;
            written.orders += 1;
            written.lines += lines;
        }
        order += 1;
    }
    out.flush()?;
    Ok(written)
}

fn write_order(
    out: &mut impl Write,
    form: Form,
    contents: &Contents,
    (order, random, lines): (u64, u64, u64),
) -> io::Result<()> {
    let customer = (random >> 8) % contents.customers;
    // Two years of orders, a few seconds after each other; each has a place in its day.
    let second = order * 17 % (730 * 86_400);
    let (day, time) = (second / 86_400, second % 86_400);
    let (year, month, day) = (2024 + day / 365, day % 365 / 31 + 1, day % 365 % 28 + 1);
    let at = format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", time / 3_600, time / 60 % 60, time % 60);
    let item = |line: u64| {
        let random = mix(order << 4 | line);
        let (product, quantity) = (random % 5_000, 1 + (random >> 16) % 3);
        (product, quantity, 500 + product * 7 % 9_500 + contents.extra_cents)
    };
    let total: u64 = (0..lines).map(|line| item(line).1 * item(line).2).sum();
    for line in 0..lines {
        let (product, quantity, price) = item(line);
        let amount = quantity * price;
        match form {
            Form::Canonical => writeln!(
                out,
                "{},c{customer},{at},P{product:05},category-{:02},{quantity},{},{},EUR",
                1_000_000 + order,
                product % 40,
                Cents(amount),
                Cents(amount + quantity * 100),
            )?,
            Form::Shopify => {
                if line == 0 {
                    write!(
                        out,
                        "#{},customer{customer}@example.com,paid,{at} +0100,fulfilled,{at} +0100,no,EUR,{},0.00,0.00,{},,0.00,\
                         Standard,{at} +0100,",
                        1_000_000 + order,
                        Cents(total),
                        Cents(total),
                    )?;
                } else {
                    write!(
                        out,
                        "#{},customer{customer}@example.com,,,,,,,,,,,,,,{at} +0100,",
                        1_000_000 + order
                    )?;
                }
                write!(
                    out,
                    "{quantity},Product {product},{},{},P{product:05},true,true,fulfilled,,",
                    Cents(price),
                    Cents(price + 100)
                )?;
                if line == 0 {
                    writeln!(out, "0.00,Vendor,{},,web,0.00", 5_000_000_000 + order)?;
                } else {
                    writeln!(out, ",Vendor,,,,0.00")?;
                }
            }
        }
    }
    Ok(())
}

/// An amount in hundredths.
struct Cents(u64);

impl std::fmt::Display for Cents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// Numbers without a pattern (the finaliser of SplitMix64, Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
