// @generated automatically by Diesel CLI.

diesel::table! {
    use crate::store::sql_types::*;

    book_index (entry, block) {
        entry -> Bytea,
        block -> Int8,
        books -> Bytea,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    books (id) {
        id -> Int8,
        isbn -> Text,
        title -> Text,
        author -> Text,
        price_minor -> Int4,
        quantity -> Int4,
        last_seq -> Int8,
        version -> Int8,
        archived_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    clients (id) {
        id -> Int8,
        name -> Text,
        role -> Text,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    indexed_books (book_id) {
        book_id -> Int8,
        version -> Int8,
        title -> Text,
        price_minor -> Int4,
        words -> Text,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    orders (id) {
        id -> Uuid,
        client_id -> Int8,
        idempotency_key -> Nullable<Text>,
        request_hash -> Bytea,
        status -> Text,
        total_minor -> Int8,
        expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    stock_entries (id) {
        id -> Uuid,
        client_id -> Int8,
        reason -> Text,
        reference -> Nullable<Text>,
        order_id -> Nullable<Uuid>,
        idempotency_key -> Nullable<Text>,
        request_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::store::sql_types::*;

    stock_movements (book_id, seq) {
        book_id -> Int8,
        seq -> Int8,
        delta -> Int4,
        quantity_after -> Int4,
        reason -> Text,
        order_id -> Nullable<Uuid>,
        entry_id -> Nullable<Uuid>,
        unit_price_minor -> Nullable<Int4>,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(orders -> clients (client_id));
diesel::joinable!(stock_entries -> clients (client_id));
diesel::joinable!(stock_entries -> orders (order_id));
diesel::joinable!(stock_movements -> books (book_id));
diesel::joinable!(stock_movements -> orders (order_id));
diesel::joinable!(stock_movements -> stock_entries (entry_id));

diesel::allow_tables_to_appear_in_same_query!(
    book_index,
    books,
    clients,
    indexed_books,
    orders,
    stock_entries,
    stock_movements,
);
