//! Who may do what next: every step that can be taken by itself, in every order.

use stateright::{Model, Property};

use super::database::{Database, Holder};
use super::properties;
use super::state::{Answer, Buyer, Instance, Job, LINE, Place, Progress, SIDING, State, Worker};

/// A service that does one thing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Answers when it has decided, and commits after.
    AnswersBeforeCommit,
    /// Looks for earlier orders before it has the row lock.
    LooksUpBeforeLock,
    /// Does not look for earlier orders when it runs a batch again.
    ForgetsDoubt,
    /// Makes the order ids in the transaction, so that each run has others.
    MakesIdsInTransaction,
    /// Tells a buyer whose deadline passed that nothing was sold, though the batch has begun.
    DropsAfterBegin,
    /// Forgets the first of a batch that it must run again.
    ForgetsWhoIsInDoubt,
    /// Forgets the first of those who stand aside when they are taken out in vain.
    ForgetsWhoStandsAside,
    /// `SELECT` without `FOR UPDATE`.
    TakesNoLock,
    /// The same, in tables whose ledger has no key.
    TakesNoLockAndHasNoLedgerKey,
}

/// The service, and how much may happen before everything is quiet.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub flaw: Option<Flaw>,
    pub copies: u8,
    /// One entry a buyer: whether there is an idempotency key.
    pub buyers: Vec<bool>,
    /// How often a buyer with a key sends.
    pub attempts: u8,
    pub queue_limit: usize,
    pub batch_limit: usize,
    pub crashes: u8,
    pub cuts: u8,
    pub asides: u8,
}

/// What becomes of a COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out, and the instance hears of it.
    Confirmed,
    /// It is carried out, and the connection is gone before the instance hears of it.
    AnswerLost,
    /// The connection is gone before the database hears of it.
    RequestLost,
    /// The connection is gone, and the database has not decided yet.
    Open,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A buyer sends the request to an instance.
    Send { buyer: usize, to: usize },
    /// A buyer has waited for long enough.
    HangUp { buyer: usize },
    /// The time of the job at the head of a queue is over.
    RunLate { instance: usize },
    /// The time of the first who stands aside is over.
    RunLateAside { instance: usize },
    /// A worker takes what waits for it.
    Take { at: Place },
    /// A worker does not get the row lock, and puts its batch aside, or back there.
    PutAside { at: Place },
    /// A flawed worker looks for earlier orders.
    LookUp { at: Place },
    /// A worker gets the row lock, reads, and decides.
    Lock { at: Place },
    /// A worker sends COMMIT.
    Commit { at: Place, fate: Fate },
    /// A worker in doubt has reached the deadline of its batch.
    GiveUp { at: Place },
    /// An instance dies; `sent`: just after its worker of this number had sent COMMIT.
    Crash { instance: usize, sent: Option<usize> },
    /// An instance comes up again.
    Restart { instance: usize },
    /// The database carries out an open COMMIT, or rolls it back.
    Settle { commits: bool },
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let buyer = |&has_key| Buyer { has_key, attempts: 0, progress: Progress::Ready };
        let instance = Instance::new(true);
        vec![State {
            buyers: self.buyers.iter().map(buyer).collect(),
            instances: vec![instance.clone(), instance],
            database: Database::new(self.copies, self.buyers.clone()),
            promised_unsold: Default::default(),
            crashes_left: self.crashes,
            cuts_left: self.cuts,
            asides_left: self.asides,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for (buyer, Buyer { progress, .. }) in state.buyers.iter().enumerate() {
            match progress {
                Progress::Ready => {
                    let up = |to: &usize| state.instances[*to].is_up;
                    let to = (0..state.instances.len()).filter(up);
                    steps.extend(to.map(|to| Step::Send { buyer, to }));
                }
                Progress::Waiting(_) => steps.push(Step::HangUp { buyer }),
                Progress::Done(_) => {}
            }
        }
        for instance in 0..state.instances.len() {
            self.steps_of(state, instance, steps);
        }
        if state.database.orphan.is_some() {
            steps.extend([true, false].map(|commits| Step::Settle { commits }));
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Send { buyer, to } => self.send(&mut state, buyer, to),
            Step::HangUp { buyer } => {
                let attempt = state.buyers[buyer].attempts;
                state.lose_answer(Job { buyer, attempt, run: 0 }, self.attempts);
            }
            Step::RunLate { instance } => self.run_late(&mut state, instance),
            Step::RunLateAside { instance } => {
                let late = state.instances[instance].aside.remove(0);
                state.answer(late, Answer::NotSold, self.attempts);
            }
            Step::Take { at } => self.take(&mut state, at),
            Step::PutAside { at } => self.put_aside(&mut state, at),
            Step::LookUp { at } => look_up(&mut state, at),
            Step::Lock { at } => self.lock(&mut state, at),
            Step::Commit { at, fate } => self.commit(&mut state, at, fate),
            Step::GiveUp { at } => self.give_up(&mut state, at),
            Step::Crash { instance, sent } => self.crash(&mut state, instance, sent),
            Step::Restart { instance } => state.instances[instance].is_up = true,
            Step::Settle { commits } => self.settle(&mut state, commits),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Protocol {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn locks(&self) -> bool {
        !self.has(Flaw::TakesNoLock) && !self.has(Flaw::TakesNoLockAndHasNoLedgerKey)
    }

    fn steps_of(&self, state: &State, instance: usize, steps: &mut Vec<Step>) {
        let Instance { is_up, queue, aside, workers } = &state.instances[instance];
        if !is_up {
            return steps.push(Step::Restart { instance });
        }
        if state.crashes_left > 0 {
            steps.push(Step::Crash { instance, sent: None });
        }
        if !queue.is_empty() {
            steps.push(Step::RunLate { instance });
        }
        if !aside.is_empty() {
            steps.push(Step::RunLateAside { instance });
        }
        for (number, (worker, waiting)) in workers.iter().zip([queue, aside]).enumerate() {
            let at = Place { instance, worker: number };
            match worker {
                Worker::Idle if waiting.is_empty() => {}
                Worker::Idle => steps.push(Step::Take { at }),
                busy => self.steps_of_busy(state, at, busy, steps),
            }
        }
    }

    fn steps_of_busy(&self, state: &State, at: Place, worker: &Worker, steps: &mut Vec<Step>) {
        match worker {
            Worker::Idle => {}
            Worker::Waiting { is_again, seen, .. } => {
                if self.has(Flaw::LooksUpBeforeLock) && seen.is_none() {
                    steps.push(Step::LookUp { at });
                } else if !self.locks() || state.database.lock.is_none() {
                    steps.push(Step::Lock { at });
                } else if !is_again && (at.worker == SIDING || state.asides_left > 0) {
                    steps.push(Step::PutAside { at });
                }
                if *is_again {
                    steps.push(Step::GiveUp { at });
                }
            }
            Worker::Decided { .. } => {
                steps.push(Step::Commit { at, fate: Fate::Confirmed });
                if state.cuts_left > 0 {
                    let cut = [Fate::AnswerLost, Fate::RequestLost, Fate::Open];
                    steps.extend(cut.map(|fate| Step::Commit { at, fate }));
                }
                if state.crashes_left > 0 {
                    steps.push(Step::Crash { instance: at.instance, sent: Some(at.worker) });
                }
            }
        }
    }

    fn send(&self, state: &mut State, buyer: usize, to: usize) {
        let sender = &mut state.buyers[buyer];
        sender.attempts += 1;
        sender.progress = Progress::Waiting(to);
        let job = Job { buyer, attempt: sender.attempts, run: 0 };
        if state.instances[to].queue.len() < self.queue_limit {
            state.instances[to].queue.push(job);
        } else {
            state.answer(job, Answer::NotSold, self.attempts);
        }
    }

    fn run_late(&self, state: &mut State, instance: usize) {
        let place = &mut state.instances[instance];
        let job = match &place.workers[LINE] {
            // It stays in the batch.
            Worker::Waiting { batch, .. } if self.has(Flaw::DropsAfterBegin) => batch[0],
            _ => place.queue.remove(0),
        };
        state.answer(job, Answer::NotSold, self.attempts);
    }

    fn take(&self, state: &mut State, at: Place) {
        let Instance { queue, aside, .. } = &mut state.instances[at.instance];
        let waiting = if at.worker == SIDING { aside } else { queue };
        let batch = waiting.drain(..waiting.len().min(self.batch_limit)).collect();
        *state.worker(at) = Worker::Waiting { batch, is_again: false, seen: None };
    }

    fn put_aside(&self, state: &mut State, at: Place) {
        let worker = std::mem::replace(state.worker(at), Worker::Idle);
        let Worker::Waiting { mut batch, .. } = worker else {
            unreachable!("only who waits is put aside");
        };
        if at.worker == LINE {
            state.asides_left -= 1;
        } else if self.has(Flaw::ForgetsWhoStandsAside) {
            batch.remove(0);
        }
        state.instances[at.instance].aside.extend(batch);
    }

    fn lock(&self, state: &mut State, at: Place) {
        let Worker::Waiting { batch, is_again, seen } = state.worker(at).clone() else {
            unreachable!("only who waits gets the lock");
        };
        if self.locks() {
            state.database.lock = Some(Holder::Worker(at));
        }
        let earlier = match seen {
            Some(seen) => seen,
            None if is_again && self.has(Flaw::ForgetsDoubt) => Default::default(),
            None => state.database.earlier(&batch),
        };
        let (writes, answers) = state.database.decide(&batch, &earlier);
        if self.has(Flaw::AnswersBeforeCommit) {
            self.answer_all(state, &batch, &answers);
        }
        *state.worker(at) = Worker::Decided { batch, writes, answers };
    }

    fn commit(&self, state: &mut State, at: Place, fate: Fate) {
        let decided = std::mem::replace(state.worker(at), Worker::Idle);
        let Worker::Decided { batch, writes, answers } = decided else {
            unreachable!("only who has decided commits");
        };
        self.unlock(state, at);
        if fate != Fate::Confirmed {
            state.cuts_left -= 1;
        }
        let is_forbidden = self.forbids(state, &writes);
        match fate {
            _ if is_forbidden => return self.run_again(state, at, batch),
            Fate::Confirmed | Fate::AnswerLost => state.database.apply(&writes),
            Fate::RequestLost => {}
            // One at a time: it keeps the lock.
            Fate::Open if state.database.orphan.is_none() => self.orphan(state, writes),
            Fate::Open => {}
        }
        match fate {
            Fate::Confirmed => self.answer_all(state, &batch, &answers),
            _ => self.run_again(state, at, batch),
        }
    }

    fn run_again(&self, state: &mut State, at: Place, mut batch: Vec<Job>) {
        if self.has(Flaw::ForgetsWhoIsInDoubt) {
            batch.remove(0);
        }
        if self.has(Flaw::MakesIdsInTransaction) {
            batch.iter_mut().for_each(|job| job.run += 1);
        }
        *state.worker(at) = Worker::Waiting { batch, is_again: true, seen: None };
    }

    fn give_up(&self, state: &mut State, at: Place) {
        let worker = std::mem::replace(state.worker(at), Worker::Idle);
        if let Worker::Waiting { batch, .. } = worker {
            batch.into_iter().for_each(|job| state.lose_answer(job, self.attempts));
        }
    }

    fn crash(&self, state: &mut State, instance: usize, sent: Option<usize>) {
        state.crashes_left -= 1;
        let down = Instance::new(false);
        let Instance { mut queue, aside, workers, .. } =
            std::mem::replace(&mut state.instances[instance], down);
        queue.extend(aside);
        for (number, worker) in workers.into_iter().enumerate() {
            match worker {
                Worker::Idle => {}
                Worker::Waiting { batch, .. } => queue.extend(batch),
                Worker::Decided { batch, writes, .. } => {
                    self.unlock(state, Place { instance, worker: number });
                    queue.extend(batch);
                    let is_free = state.database.orphan.is_none();
                    if sent == Some(number) && is_free && !self.forbids(state, &writes) {
                        self.orphan(state, writes);
                    }
                }
            }
        }
        queue.into_iter().for_each(|job| state.lose_answer(job, self.attempts));
    }

    /// Whether a key that the tables have forbids `writes`.
    fn forbids(&self, state: &State, writes: &super::database::Transaction) -> bool {
        let is_ledger_key = !self.has(Flaw::TakesNoLockAndHasNoLedgerKey);
        state.database.forbids(writes, is_ledger_key)
    }

    fn orphan(&self, state: &mut State, writes: super::database::Transaction) {
        if self.locks() {
            state.database.lock = Some(Holder::Orphan);
        }
        state.database.orphan = Some(writes);
    }

    fn settle(&self, state: &mut State, commits: bool) {
        if state.database.lock == Some(Holder::Orphan) {
            state.database.lock = None;
        }
        let Some(writes) = state.database.orphan.take() else { return };
        if commits && !self.forbids(state, &writes) {
            state.database.apply(&writes);
        }
    }

    fn unlock(&self, state: &mut State, at: Place) {
        if state.database.lock == Some(Holder::Worker(at)) {
            state.database.lock = None;
        }
    }

    fn answer_all(&self, state: &mut State, batch: &[Job], answers: &[Answer]) {
        for (job, answer) in batch.iter().zip(answers) {
            state.answer(*job, *answer, self.attempts);
        }
    }
}

fn look_up(state: &mut State, at: Place) {
    let found = match &state.instances[at.instance].workers[at.worker] {
        Worker::Waiting { batch, .. } => state.database.earlier(batch),
        _ => return,
    };
    if let Worker::Waiting { seen, .. } = state.worker(at) {
        *seen = Some(found);
    }
}
