//! What a store does with its connections, and what of a shop nobody need be told.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::SimpleConnection as _;
use diesel::result::DatabaseErrorKind;
use uuid::Uuid;

use super::throwaway::{self, Throwaway};
use super::*;
use crate::domain::{
    BookId, Client, Copies, HoldSeconds, IdempotencyKey, NewOrder, OrderId, Request, Role,
};

/// Leaves something that only its own session sees.
fn leave_a_mark(connection: &mut AnyConnection) -> Result<(), Error> {
    Ok(connection.batch_execute("CREATE TEMP TABLE mark (n integer)")?)
}

fn has_mark(store: &Store) -> bool {
    store.transaction(|it| Ok(it.batch_execute("SELECT n FROM mark")?)).is_ok()
}

#[test]
fn a_connection_is_used_again_unless_a_transaction_panicked_on_it() {
    let Throwaway { store, .. } = &Throwaway::empty();
    store.transaction(leave_a_mark).unwrap();
    assert!(has_mark(store));
    assert!(store.transaction(|_| Err::<(), _>(Error::Busy("no".to_owned()))).is_err());
    assert!(has_mark(store), "an error is no reason to give a connection up");
    let panicked =
        catch_unwind(AssertUnwindSafe(|| store.transaction::<()>(|_| panic!("a defect"))));
    assert!(panicked.is_err());
    assert!(!has_mark(store));
}

/// As a full disk ends one.
#[test]
fn a_connection_whose_transaction_ended_by_itself_is_given_up() {
    let Throwaway { store, .. } = &Throwaway::empty();
    store.transaction(leave_a_mark).unwrap();
    let ended = store.transaction::<()>(|connection| {
        connection.batch_execute("ROLLBACK")?;
        Err(Error::Busy("the disk is full".to_owned()))
    });
    assert!(ended.is_err());
    assert!(!has_mark(store));
}

/// How often a transaction is run that always fails like this.
fn runs(store: &Store, kind: DatabaseErrorKind) -> usize {
    let mut runs = 0;
    let failed = store.transaction::<()>(|_| {
        runs += 1;
        let error = diesel::result::Error::DatabaseError(kind, Box::new("a test".to_owned()));
        Err(error.into())
    });
    assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    runs
}

#[test]
fn what_no_retry_cures_is_not_tried_for_ever() {
    let Throwaway { store, .. } = &Throwaway::empty();
    assert_eq!(runs(store, DatabaseErrorKind::UniqueViolation), 6);
    assert_eq!(runs(store, DatabaseErrorKind::Unknown), 3);
    assert_eq!(runs(store, DatabaseErrorKind::CheckViolation), 1);
}

/// A book with two copies on hold, each of an order of its own.
fn book_on_hold(connection: &mut AnyConnection, admin: Client) -> Result<BookId, Error> {
    let new = throwaway::book(1, "A title", 1_000, 5);
    let entry = throwaway::entry(admin);
    let book = stock::create_book(connection, &entry, &new, &mut Vec::new())?.book;
    for _ in 0..2 {
        let lines = [(book.id, Copies::parse(1).unwrap())];
        let order =
            NewOrder::new(OrderId(Uuid::now_v7()), throwaway::request(admin), lines).unwrap();
        let order = order.with_hold(Some(HoldSeconds::parse(30).unwrap()));
        assert!(sale::place(connection, &[order])?[0].is_ok());
    }
    Ok(book.id)
}

#[test]
fn a_full_page_of_holds_names_a_next_one_only_if_there_is_one() {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let have_next = shop.store.transaction(|connection| {
        let book = book_on_hold(connection, admin)?;
        let page = |limit| orders::holds_of(connection, book, None, limit);
        let pages: Result<Vec<_>, _> = [1, 2, 3].into_iter().map(page).collect();
        Ok(pages?.iter().map(|page| page.next.is_some()).collect::<Vec<_>>())
    });
    assert_eq!(have_next.unwrap(), [true, false, false]);
}

#[test]
fn an_order_tells_what_came_back_of_each_line() {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let order = shop.store.transaction(|connection| {
        let mut book = |number| {
            let (new, entry) =
                (throwaway::book(number, "A title", 1_000, 5), throwaway::entry(admin));
            Ok::<_, Error>(stock::create_book(connection, &entry, &new, &mut Vec::new())?.book.id)
        };
        let books = [book(1)?, book(2)?];
        let copies = |number| Copies::parse(number).unwrap();
        let lines = books.map(|book| (book, copies(3)));
        let id = OrderId(Uuid::now_v7());
        let order = NewOrder::new(id, throwaway::request(admin), lines).unwrap();
        assert!(sale::place(connection, &[order])?[0].is_ok());
        stock::take_back(connection, &throwaway::entry(admin), id, &[(books[1], copies(2))])?;
        orders::find(connection, admin, id)
    });
    let returned: Vec<_> = order.unwrap().lines.iter().map(|line| line.returned).collect();
    assert_eq!(returned, [0, 2]);
}

#[test]
fn a_request_that_is_twice_in_a_batch_is_one_order() {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let placed = shop.store.transaction(|connection| {
        let (new, entry) = (throwaway::book(1, "A title", 1_000, 5), throwaway::entry(admin));
        let book = stock::create_book(connection, &entry, &new, &mut Vec::new())?.book;
        let twin = || {
            let key = Some(IdempotencyKey::parse(b"a key").unwrap());
            let request = Request { key, ..throwaway::request(admin) };
            let lines = [(book.id, Copies::parse(1).unwrap())];
            NewOrder::new(OrderId(Uuid::now_v7()), request, lines).unwrap()
        };
        sale::place(connection, &[twin(), twin()])
    });
    let placed: Vec<_> = placed.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(placed[0].order.id, placed[1].order.id);
    assert_eq!([placed[0].is_replay, placed[1].is_replay], [false, true]);
}

#[test]
fn writers_of_one_file_wait_in_line_for_their_turn() {
    assert!(Throwaway::empty().store.turn.is_some());
}

#[test]
fn a_book_that_is_archived_has_another_version() {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let version = shop.store.transaction(|connection| {
        let entry = throwaway::entry(admin);
        let new = throwaway::book(1, "A title", 1_000, 0);
        let book = stock::create_book(connection, &entry, &new, &mut Vec::new())?.book;
        books::archive(connection, book.id, &mut Vec::new())?;
        Ok(books::find(connection, book.id)?.version)
    });
    assert_eq!(version.unwrap(), 2);
}

#[test]
fn a_hold_is_worth_a_warning_when_it_ran_out_long_ago_and_nobody_took_it_back() {
    let shop = Throwaway::migrated();
    let admin = shop.client(Role::Admin);
    let warnings = shop.store.transaction(|connection| {
        book_on_hold(connection, admin)?;
        let soon = audit::overdue_warning(connection)?;
        connection.batch_execute("UPDATE orders SET expires_at = '2026-01-01 00:00:00.000000'")?;
        Ok((soon, audit::overdue_warning(connection)?))
    });
    let (soon, late) = warnings.unwrap();
    assert_eq!(soon, None);
    assert!(late.unwrap().starts_with("2 holds ran out"));
}

#[test]
fn what_is_known_of_the_index_is_known_to_all_of_a_process() {
    let Throwaway { store, .. } = &Throwaway::empty();
    assert!(Arc::ptr_eq(&store.index_cache(), &store.clone().index_cache()));
}

#[test]
fn a_backend_is_called_by_the_name_that_people_know() {
    let names = [Backend::Postgres, Backend::Mysql, Backend::Sqlite].map(Backend::name);
    assert_eq!(names, ["PostgreSQL", "MySQL/MariaDB", "SQLite"]);
}

#[test]
fn only_the_servers_lock_single_rows() {
    let have = [Backend::Postgres, Backend::Mysql, Backend::Sqlite].map(Backend::has_row_locks);
    assert_eq!(have, [true, true, false]);
}
