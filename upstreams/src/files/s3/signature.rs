//! How a request to S3 is signed: AWS Signature Version 4 in the header
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Whose request it is. Its secret part is in no other text.
#[derive(Clone, Copy)]
pub(super) struct Signer<'k> {
    pub region: &'k str,
    pub access_key: &'k str,
    pub secret_key: &'k str,
}

/// What is signed.
pub(super) struct Signed<'r> {
    pub method: &'r str,
    /// As it stands in the request, encoded.
    pub path: &'r str,
    /// Names in small letters, in their order, with the host, the time and the body's digest among them.
    pub headers: &'r [(&'r str, &'r str)],
    /// The digest of the body, in hexadecimal.
    pub body: &'r str,
    /// The time, as in `x-amz-date`.
    pub stamp: &'r str,
}

/// The value of the header `Authorization`.
pub(super) fn authorization(signer: Signer<'_>, request: &Signed<'_>) -> String {
    let day = &request.stamp[..8];
    let scope = format!("{day}/{}/s3/aws4_request", signer.region);
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = request.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let canonical = format!("{}\n{}\n\n{headers}\n{names}\n{}", request.method, request.path, request.body);
    let digest = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", request.stamp);
    let mut key = format!("AWS4{}", signer.secret_key).into_bytes();
    for part in [day, signer.region, "s3", "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hex::encode(mac(&key, to_sign.as_bytes()));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        signer.access_key
    )
}

/// A key as it stands in a path: all but letters, digits, `-._~` and the slashes between its parts is encoded.
pub(super) fn encoded(key: &str) -> String {
    let mut path = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples that AWS publishes beside its description, with their signatures.
    #[test]
    fn the_published_examples_are_signed_as_published() {
        let signer = Signer {
            region: "us-east-1",
            access_key: "AKIAIOSFODNN7EXAMPLE",
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        };
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let time = ("x-amz-date", "20130524T000000Z");
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let get = [host, ("range", "bytes=0-9"), ("x-amz-content-sha256", nothing), time];
        let text = hex::encode(Sha256::digest("Welcome to Amazon S3."));
        let put = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            host,
            ("x-amz-content-sha256", text.as_str()),
            time,
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ];
        let put_path = format!("/{}", encoded("test$file.text"));
        for (method, path, headers, body, signature) in [
            (
                "GET",
                "/test.txt",
                &get[..],
                nothing,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                put_path.as_str(),
                &put[..],
                text.as_str(),
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
        ] {
            let request = Signed { method, path, headers, body, stamp: time.1 };
            let header = authorization(signer, &request);
            assert!(header.ends_with(&format!("Signature={signature}")), "{method}: {header}");
            assert!(header.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders="
            ));
        }
    }

    #[test]
    fn a_key_is_encoded_once_with_its_slashes_left() {
        assert_eq!(encoded("a b/ü+(1).csv"), "a%20b/%C3%BC%2B%281%29.csv");
    }
}
