//! A small ledger that adds up, to be damaged.

use serde_json::{Value, json};

use crate::kit::Shop;

/// A ledger to damage: a book of 10 copies, of which one order bought 4 and another 1, and 3 came.
pub struct Ledger<'a> {
    pub shop: &'a Shop,
    pub book: i64,
    pub order: String,
    pub small_order: String,
}

impl<'a> Ledger<'a> {
    pub fn new(shop: &'a Shop) -> Self {
        let [book, other] = shop.books([10, 100]);
        let order = shop.storefront.buy(book, 4).expect(201).id();
        let small_order = shop.storefront.buy(book, 1).expect(201).id();
        shop.admin.restock(book, 3).expect(201);
        // Something that is right, and must not be named.
        shop.storefront.order(&[(other, 2)]).expect(201);
        shop.audit();
        Self { shop, book, order, small_order }
    }

    /// Runs `sql` with `{book}`, `{order}`, `{small}`, `{new}` and `{hash}` filled in, past every rule
    /// of the schema.
    pub fn damage(&self, sql: &str) {
        let literal = |id: &str| self.shop.database.uuid_literal(id);
        let sql = sql
            .replace("{book}", &self.book.to_string())
            .replace("{order}", &literal(&self.order))
            .replace("{small}", &literal(&self.small_order))
            .replace("{new}", &literal("01900000-0000-7000-8000-000000000001"))
            .replace("{hash}", &self.shop.database.bytes_literal(&[0; 32]))
            .replace("{now}", "'2026-01-01 00:00:00'");
        self.shop.database.connect_without_rules().run(&sql);
    }

    /// What the audit finds; both its formats must agree on whether there is anything.
    pub fn findings(&self) -> Vec<Value> {
        let audit = self.shop.bookstore(["audit", "--format", "json"]).run();
        let findings = audit.json()["findings"].as_array().unwrap().clone();
        assert_eq!(audit.json()["ok"], findings.is_empty());
        let code = i32::from(!findings.is_empty());
        let audit = audit.exits(code);
        let table = self.shop.bookstore(["audit"]).run().exits(code);
        for finding in &findings {
            assert!(finding["invariant"].is_string() && finding["detail"].is_string(), "{audit}");
            let invariant = finding["invariant"].as_str().unwrap();
            assert!(table.stdout.contains(invariant), "no {invariant} in the table\n{table}");
        }
        findings
    }

    /// Demands that this invariant is found broken by all of `named`, and that whatever else is found
    /// is not about what is right.
    #[track_caller]
    pub fn finds(&self, invariant: &str, named: &[(&str, Value)]) {
        let findings = self.findings();
        let is_named = |finding: &Value| {
            finding["invariant"] == invariant
                && named.iter().all(|(member, value)| finding[*member] == *value)
        };
        assert!(findings.iter().any(is_named), "no {invariant} of {named:?} in {findings:#?}");
        let ours = |finding: &Value| {
            let order = finding["order_id"].as_str();
            finding["book_id"] == self.book || order.is_some() || finding["entry_id"].is_string()
        };
        assert!(findings.iter().all(ours), "names what is right: {findings:#?}");
    }

    #[track_caller]
    pub fn finds_book(&self, invariant: &str) {
        self.finds(invariant, &[("book_id", json!(self.book))]);
    }

    #[track_caller]
    pub fn finds_order(&self, invariant: &str, order: &str) {
        self.finds(invariant, &[("order_id", json!(order))]);
    }
}
