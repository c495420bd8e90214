//! Flat XML: every text comes back as it went in, and every document that two parsers could read differently is refused.

use payseal::wire::xml::{is_name, read, read_with_lists, write};
use proptest::prelude::*;
use serde_json::json;

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, text)| (name.to_string(), text.to_string()))
        .collect()
}

#[track_caller]
fn refused(document: impl AsRef<[u8]>, because: &str) {
    let document = document.as_ref();
    let problem = match read(document) {
        Ok(fields) => panic!("{} was read as {fields:?}", document.escape_ascii()),
        Err(problem) => problem,
    };
    assert!(
        problem.contains(because),
        "{}: {problem}",
        document.escape_ascii()
    );
}

#[test]
fn a_document_of_the_provider_is_read_in_its_order() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xml>\n  <return_code><![CDATA[SUCCESS]]></return_code>\r\n\
        <total_fee>100</total_fee><attach><![CDATA[a<b>&c;]]></attach><body>五 &lt;&#20116;&#x4e94;&amp;</body>\
        <device_info/><empty></empty><cut><![CDATA[a]]>b<![CDATA[c]]></cut></xml>\n";
    let expected = fields(&[
        ("return_code", "SUCCESS"),
        ("total_fee", "100"),
        ("attach", "a<b>&c;"),
        ("body", "五 <五五&"),
        ("device_info", ""),
        ("empty", ""),
        ("cut", "abc"),
    ]);
    assert_eq!(read(document.as_bytes()).unwrap(), expected);
}

#[test]
fn a_document_type_is_refused_whatever_it_declares() {
    let bomb: String = (1..10)
        .map(|n| format!("<!ENTITY b{n} \"{}\">", format!("&b{};", n - 1).repeat(10)))
        .collect();
    for document in [
        "<!DOCTYPE xml><xml><a>1</a></xml>".to_owned(),
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>".into(),
        "<!DOCTYPE xml SYSTEM \"http://127.0.0.1:1/evil.dtd\"><xml><a>1</a></xml>".into(),
        "<?xml version=\"1.0\"?><!DOCTYPE xml [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\">%p;]><xml><a>1</a></xml>".into(),
        format!("<!DOCTYPE xml [<!ENTITY b0 \"bomb\">{bomb}]><xml><a>&b9;</a></xml>"),
    ] {
        refused(document, "document type");
    }
    refused("<xml><!DOCTYPE a><a>1</a></xml>", "");
}

#[test]
fn no_entity_is_expanded_but_the_five_of_xml_itself() {
    for entity in [
        "x", "xxe", "nbsp", "LT", "lt2", "", "#", "#x", "#0", "#x0", "#xD800", "#1114112", "#-1",
        "#xFFFE", "#8",
    ] {
        refused(format!("<xml><a>&{entity};</a></xml>"), "");
    }
    for dangling in [
        "<xml><a>1 & 2</a></xml>",
        "<xml><a>&lt</a></xml>",
        "<xml><a>&</a></xml>",
    ] {
        refused(dangling, "");
    }
    let named = read(b"<xml><a>&lt;&gt;&amp;&apos;&quot;&#10;</a></xml>").unwrap();
    assert_eq!(named, fields(&[("a", "<>&'\"\n")]));
    // What looks like one inside CDATA is text.
    assert_eq!(
        read(b"<xml><a><![CDATA[&x;]]></a></xml>").unwrap(),
        fields(&[("a", "&x;")])
    );
}

#[test]
fn an_element_that_stands_twice_is_refused() {
    refused("<xml><sign>A</sign><sign>B</sign></xml>", "twice");
    refused("<xml><a>1</a><b>2</b><a></a></xml>", "twice");
    refused("<xml><a>1</a><a/></xml>", "twice");
    // Names are compared as bytes: another case is another field, and so it is signed.
    assert_eq!(read(b"<xml><a>1</a><A>2</A></xml>").unwrap().len(), 2);
}

#[test]
fn nested_elements_attributes_and_a_second_root_are_refused() {
    refused("<xml><a><b>1</b></a></xml>", "another element");
    refused("<xml><a>x<b/></a></xml>", "another element");
    refused("<xml><xml><a>1</a></xml></xml>", "another element");
    refused("<xml><a id=\"1\">1</a></xml>", "attributes");
    refused("<xml xmlns=\"http://evil\"><a>1</a></xml>", "attributes");
    refused("<xml><a xmlns:x='y'/></xml>", "attributes");
    refused("<xml><a>1</a></xml><xml><a>2</a></xml>", "follows");
    refused("<xml><a>1</a></xml>text", "follows");
    refused("<xml><a>1</a></xml><!-- -->", "follows");
    refused("<xml><a>1</a></xml>&lt;", "follows");
    refused("<xml/>", "root");
    refused("<root><a>1</a></root>", "root");
    refused("<XML><a>1</a></XML>", "root");
    refused("<__proto__><a>1</a></__proto__>", "root");
    refused("<html><body>404</body></html>", "root");
}

#[test]
fn comments_instructions_and_stray_text_are_refused() {
    refused("<xml><a>1<!-- x -->2</a></xml>", "comment");
    refused("<xml><!-- --><a>1</a></xml>", "comment");
    refused("<!-- --><xml><a>1</a></xml>", "comment");
    refused("<xml><a><?php x?></a></xml>", "instruction");
    refused(
        "<?xml-stylesheet href=\"x\"?><xml><a>1</a></xml>",
        "instruction",
    );
    refused("<xml>text<a>1</a></xml>", "between");
    refused("<xml><a>1</a><![CDATA[text]]></xml>", "between");
    refused("text<xml><a>1</a></xml>", "outside");
    refused(
        " \n<?xml version=\"1.0\"?><xml><a>1</a></xml>",
        "declaration",
    );
    refused("<xml><?xml version=\"1.0\"?><a>1</a></xml>", "declaration");
}

#[test]
fn what_is_no_utf8_or_declares_something_else_is_refused() {
    refused(b"<xml><a>\xff</a></xml>", "UTF-8");
    refused(b"<xml><a>\xc0\xbc</a></xml>", "UTF-8"); // an overlong `<`
    refused(b"\xff\xfe<\0x\0m\0l\0>\0", "UTF-8");
    refused(
        "<?xml version=\"1.0\" encoding=\"GBK\"?><xml><a>1</a></xml>",
        "encoding",
    );
    refused(
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?><xml><a>1</a></xml>",
        "encoding",
    );
    refused("<xml><a>\u{0}</a></xml>", "character");
    refused("<xml><a>\u{b}</a></xml>", "character");
    refused("<xml><a><![CDATA[\u{1f}]]></a></xml>", "character");
    refused("<xml><\u{ff41}>1</\u{ff41}></xml>", "name");
    refused("<xml><a\u{200b}>1</a\u{200b}></xml>", "name");
    refused("<xml><a:b>1</a:b></xml>", "name");
    refused("<xml><1a>1</1a></xml>", "name");
    refused("<xml><a=b>1</a=b></xml>", "");
}

#[test]
fn a_byte_order_mark_is_refused() {
    // quick-xml passes over it; then the bytes that are read would not be the bytes that came.
    refused("\u{feff}<xml><a>1</a></xml>", "");
}

#[test]
fn what_is_cut_short_or_not_closed_is_refused() {
    let whole = "<xml><a>1</a><b><![CDATA[x]]></b></xml>";
    for length in 0..whole.len() {
        refused(&whole[..length], "");
    }
    refused("<xml><a>1</b></xml>", "");
    refused("<xml><a>1</a></XML>", "");
    refused("<xml><a>1</a>", "");
    refused("<xml><a>]]></a></xml>", "");
}

#[test]
fn size_count_and_depth_are_bounded() {
    refused(
        format!("<xml><a>{}</a></xml>", "x".repeat(1 << 20)),
        "1 MiB",
    );
    let many = |count: usize| -> String { (0..count).map(|n| format!("<a{n}>1</a{n}>")).collect() };
    assert_eq!(
        read(format!("<xml>{}</xml>", many(1000)).as_bytes())
            .unwrap()
            .len(),
        1000
    );
    refused(format!("<xml>{}</xml>", many(1001)), "more than 1000");
    refused("<xml><a>".repeat(100_000), "");
    let deep = "<l>".repeat(50_000);
    assert!(
        read_with_lists(format!("<xml>{deep}").as_bytes(), &["l"])
            .unwrap_err()
            .contains("deeply")
    );
    refused(format!("<xml><{0}>1</{0}></xml>", "n".repeat(129)), "name");
}

#[test]
fn a_list_may_repeat_and_hold_elements_where_it_is_announced() {
    let document = b"<xml><status>OK</status><hblist><hbinfo><openid>o1</openid><amount>1</amount></hbinfo>\n<hbinfo><openid>o2</openid></hbinfo></hblist></xml>";
    let read = read_with_lists(document, &["hblist", "hbinfo"]).unwrap();
    let expected = json!({ "status": "OK", "hblist": [{ "hbinfo": [{ "openid": "o1", "amount": "1" }, { "openid": "o2" }] }] });
    assert_eq!(serde_json::Value::Object(read), expected);
    for document in [
        "<xml><hblist><hbinfo><openid>1</openid><openid>2</openid></hbinfo></hblist></xml>",
        "<xml><hblist><hbinfo><openid><x>1</x></openid></hbinfo></hblist></xml>",
        "<xml><hblist>text<hbinfo><openid>1</openid></hbinfo></hblist></xml>",
    ] {
        assert!(
            read_with_lists(document.as_bytes(), &["hblist", "hbinfo"]).is_err(),
            "{document}"
        );
    }
}

#[test]
fn an_error_never_quotes_the_document() {
    for document in [
        "<xml><a>&verysecret;</a></xml>",
        "<verysecret><a>1</a></verysecret>",
        "<xml><a>verysecret</b></xml>",
        "<xml><a verysecret='1'>1</a></xml>",
    ] {
        assert!(
            !read(document.as_bytes())
                .unwrap_err()
                .contains("verysecret"),
            "{document}"
        );
    }
}

#[test]
fn plain_values_are_written_plainly_and_all_others_as_character_data() {
    let written = write([("total_fee", "100"), ("body", "a<b>&]]>c"), ("empty", "")].into_iter());
    let expected = "<xml><total_fee>100</total_fee><body><![CDATA[a<b>&]]]]><![CDATA[>c]]></body><empty></empty></xml>";
    assert_eq!(String::from_utf8(written).unwrap(), expected);
}

#[test]
fn names_are_letters_digits_and_a_few_signs() {
    for good in ["a", "coupon_id_$n", "_x", "a.b-c", "coupon_fee_0_1"] {
        assert!(is_name(good), "{good}");
    }
    for bad in ["", "1a", "a b", "a=b", "a&b", "a<b", "ä", "a\n", "-a", ".a"] {
        assert!(!is_name(bad), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn every_text_survives_writing_and_reading(texts in prop::collection::vec("([^\\p{Cc}\u{fffe}\u{ffff}]|\\]\\]>|&lt;|<!\\[CDATA\\[){0,40}", 1..20)) {
        let names: Vec<String> = (0..texts.len()).map(|n| format!("field_{n}")).collect();
        let written = write(names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)));
        let expected: Vec<(String, String)> = names.into_iter().zip(texts).collect();
        prop_assert_eq!(read(&written).unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
        let mut document = b"<xml><a>".to_vec();
        document.extend(bytes);
        let _ = read(&document);
    }

    #[test]
    fn no_arrangement_of_markup_makes_the_reader_panic(parts in prop::collection::vec(prop::sample::select(
        vec!["<xml>", "</xml>", "<a>", "</a>", "<b/>", "<![CDATA[", "]]>", "&amp;", "&#10;", "&x;", "<!--", "-->", "<?x?>", "<!DOCTYPE xml [", "]>", "text", " "]), 0..30)) {
        let _ = read(parts.concat().as_bytes());
    }
}
