//! What a storefront's page asks for again and again: baskets, books that did not change, and what may
//! be kept meanwhile.

use serde_json::{Value, json};

use crate::kit::{Answer, Backend, Scenario, Shop};
use crate::scenarios;

pub const SCENARIOS: &[Scenario] = scenarios![
    Shop on Backend::ALL:
        a_basket_is_looked_up_in_one_call,
        what_is_no_list_of_ids_is_refused,
        a_book_that_did_not_change_is_not_sent_again,
        an_answer_says_truly_whether_it_may_be_kept,
];

fn basket(shop: &Shop, ids: &str) -> Answer {
    shop.storefront.anonymous().get("/v1/books").query(&[("ids", ids)]).send()
}

fn a_basket_is_looked_up_in_one_call(shop: &Shop) {
    let [one, two, three] = shop.books([1, 2, 3]);
    let ids = |answer: &Answer| -> Vec<Value> {
        answer["data"].as_array().unwrap().iter().map(|book| book["id"].clone()).collect()
    };
    let all = basket(shop, &format!("{three},{one},{two},{one}")).expect(200);
    assert_eq!(ids(&all), [three, one, two], "as they were asked for, each once\n{all}");
    assert!(all["next"].is_null());
    assert_eq!(all["data"][0], shop.storefront.book(three).body);

    shop.admin.delete(&format!("/v1/books/{two}")).expect(204);
    shop.storefront.buy(three, 1).expect(201);
    let rest = basket(shop, &format!("{two},999999,{three},9223372036854775807")).expect(200);
    assert_eq!(ids(&rest), [three]);
    assert_eq!(rest["data"][0]["quantity"], 2);
    assert_eq!(basket(shop, "999999").expect(200).body, json!({ "data": [], "next": null }));

    let hundred: Vec<_> = (1..=100).map(|id| id.to_string()).collect();
    assert_eq!(ids(&basket(shop, &hundred.join(",")).expect(200)), [one, three]);
}

fn what_is_no_list_of_ids_is_refused(shop: &Shop) {
    let book = shop.book(1);
    let long = (1..=101).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let rubbish = [
        "",
        ",",
        "1,",
        "0",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "abc",
        "1;2",
        "1 2",
        "1, 2",
        "\0",
        "٣",
        "null",
        "9223372036854775808",
        "1' OR '1'='1",
        &long,
    ];
    for ids in rubbish {
        let refused = basket(shop, ids).refused(400, "invalid_request");
        assert!(refused["detail"].as_str().unwrap().contains("`ids`"), "\n{refused}");
    }
    for (name, value) in [("q", "x"), ("limit", "1"), ("sort", "id"), ("in_stock", "true")] {
        let query = [("ids", book.to_string()), (name, value.to_owned())];
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        shop.storefront.get("/v1/books").query(&query).refused(400, "invalid_request");
    }
    shop.storefront.get("/v1/books?ids=1&ids=2").refused(400, "invalid_request");
}

fn a_book_that_did_not_change_is_not_sent_again(shop: &Shop) {
    let book = shop.book(5);
    let path = format!("/v1/books/{book}");
    let ask = |tag: &str| shop.storefront.get(&path).header("If-None-Match", tag).send();
    let etag = shop.storefront.book(book).etag();

    for tag in [&etag, &format!("W/{etag}"), &format!("\"x\", {etag}"), "*"] {
        let known = ask(tag).expect(304);
        assert!(known.body.is_null(), "\n{known}");
        assert_eq!(known.etag(), etag);
        assert_eq!(known.header("cache-control"), "no-cache");
    }
    shop.storefront.head(&path).header("If-None-Match", &etag).expect(304);
    for tag in ["", "\"\"", "\"0.0\"", "x", etag.trim_matches('"'), &etag.replace('.', ".1")] {
        assert_eq!(ask(tag).expect(200)["id"], book, "If-None-Match: {tag}");
    }
    // A sale, a restock and an edit each make another book of it.
    let mut tags = vec![etag];
    for change in [
        shop.storefront.buy(book, 1),
        shop.admin.restock(book, 1),
        shop.admin.patch(&path, json!({ "title": "New" })).if_match("*"),
    ] {
        assert!(change.send().status < 300);
        let seen = ask(&tags.join(", ")).expect(200);
        assert!(!tags.contains(&seen.etag()), "\n{seen}");
        assert_eq!(ask(&seen.etag()).expect(304).etag(), seen.etag());
        tags.push(seen.etag());
    }
    shop.admin.delete(&path).expect(204);
    ask(&tags[3]).refused(404, "unknown_book");
    ask("*").refused(404, "unknown_book");
}

fn an_answer_says_truly_whether_it_may_be_kept(shop: &Shop) {
    let book = shop.book(5);
    let order = shop.storefront.buy(book, 1).expect(201);
    let order = format!("/v1/orders/{}", order.id());
    for (path, expected) in [
        // True only until the next sale: kept, but never used without asking.
        (format!("/v1/books/{book}").as_str(), "no-cache"),
        ("/v1/books", "no-cache"),
        ("/v1/books?q=book", "no-cache"),
        ("/v1/books?ids=1,2", "no-cache"),
        // Somebody's own, and what may be otherwise a moment later.
        (&order, "no-store"),
        ("/v1/orders", "no-store"),
        (&format!("/v1/books/{book}/movements"), "no-store"),
        ("/v1/books/999999", "no-store"),
        ("/v1/books?limit=0", "no-store"),
        ("/nowhere", "no-store"),
        ("/healthz", "no-store"),
        ("/readyz", "no-store"),
        // The same for everybody, as long as the program is the same.
        ("/problems", "public, max-age=3600"),
        ("/problems/out_of_stock", "public, max-age=3600"),
    ] {
        let answer = shop.admin.get(path).send();
        assert_eq!(answer.header("cache-control"), expected, "\n{answer}");
    }
    let sold = shop.storefront.buy(book, 1).expect(201);
    assert_eq!(sold.header("cache-control"), "no-store");
    let refused = shop.storefront.buy(book, 99).refused(409, "out_of_stock");
    assert_eq!(refused.header("cache-control"), "no-store");
}
