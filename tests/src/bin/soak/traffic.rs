//! The traffic of a soak: what goes from where to where, and is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_lite::future::{block_on, poll_once, zip};
use tidegate::{Builder, Context, EventKind, EventMask, SocketType, ZmqStream, options};
use tidegate_tests::{eventually, number_of, numbered};

use crate::executor::{Executor, Executors};

/// Between two connections over tcp, whose ports the system keeps for a minute.
const BETWEEN: Duration = Duration::from_millis(10);
/// What ends a line, and what says that somebody is there.
const END: &str = "end";
const HELLO: &str = "hello";
const BIG: usize = 1024 * 1024;
/// Fewer than libzmq holds for a peer: where it would drop what is more, no more is on its way.
const WINDOW: u64 = 200;

/// Traffic of one kind, and its counts.
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    is_over: Arc<AtomicBool>,
}

impl Line {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn count_sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn count_received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends numbered messages until it is over, and then says so.
async fn send_all(stream: ZmqStream, line: Arc<Line>, bytes: usize) {
    let mut k = 0u32;
    while !line.is_over() {
        let message = numbered(k, 1 + k % 3, bytes);
        stream.send(message).await.expect("an open stream");
        line.count_sent();
        k = k.wrapping_add(1);
    }
    stream.send(END).await.expect("an open stream");
    stream.flush().await.expect("an open stream");
}

/// How somebody reads.
#[derive(Clone, Copy)]
enum Pace {
    Fast,
    /// Sleeps now and then.
    Slow,
    /// Begins every read several times.
    Fickle,
}

/// Reads numbered messages, each of which has to be the next one, up to the end.
async fn read_all(stream: ZmqStream, line: Arc<Line>, pace: Pace) {
    let mut next = 0u32;
    loop {
        let mut cancelled = None;
        match pace {
            Pace::Fast => {}
            Pace::Slow if next.is_multiple_of(64) => {
                smol::Timer::after(Duration::from_millis(20)).await;
            }
            Pace::Slow => {}
            Pace::Fickle => {
                drop(stream.read());
                cancelled = poll_once(stream.read()).await;
            }
        }
        let message = match cancelled {
            Some(message) => message,
            None => stream.read().await,
        };
        let message = message.expect("an open stream");
        if message == END {
            return;
        }
        if message == HELLO {
            continue;
        }
        assert_eq!(number_of(&message), next, "{}", line.kind);
        line.count_received();
        next = next.wrapping_add(1);
    }
}

/// Sends back what comes, up to so many ends.
async fn echo_all(router: ZmqStream, ends: usize) {
    let mut left = ends;
    while left > 0 {
        let message = router.read().await.expect("an open stream");
        left -= usize::from(message[1] == END);
        router.send(message).await.expect("an open stream");
    }
    router.flush().await.expect("an open stream");
}

/// Asks, several times before it reads an answer.
async fn ask_all(dealer: ZmqStream, line: Arc<Line>) {
    let (mut asked, mut answered) = (0u32, 0u32);
    loop {
        while u64::from(asked.wrapping_sub(answered)) < WINDOW && !line.is_over() {
            let message = numbered(asked, 1 + asked % 3, 300);
            dealer.send(message).await.expect("an open stream");
            line.count_sent();
            asked = asked.wrapping_add(1);
        }
        if asked == answered {
            break;
        }
        let answer = dealer.read().await.expect("an open stream");
        assert_eq!(number_of(&answer), answered, "{}", line.kind);
        line.count_received();
        answered = answered.wrapping_add(1);
    }
    dealer.send(END).await.expect("an open stream");
    assert_eq!(dealer.read().await.expect("an open stream"), END);
}

/// One question, one answer, without async where `blocks`.
fn ask_in_turn(req: &ZmqStream, line: &Line, blocks: bool) {
    let mut k = 0u32;
    while !line.is_over() {
        let question = numbered(k, 1 + k % 3, 100);
        let answer = if blocks {
            req.blocking().send(question, None).expect("its turn");
            line.count_sent();
            req.blocking().read(None).expect("an answer")
        } else {
            req.write(question).expect("its turn");
            line.count_sent();
            tidegate::block_on(req.read()).expect("an answer")
        };
        assert_eq!(number_of(&answer), k, "{}", line.kind);
        line.count_received();
        k = k.wrapping_add(1);
    }
    req.write(END).expect("its turn");
    assert_eq!(block_on(req.read()).expect("an answer"), END);
}

/// Answers until it is over.
async fn answer_all(rep: ZmqStream) {
    loop {
        let question = rep.read().await.expect("a question");
        let is_end = question == END;
        rep.write(question).expect("its turn");
        if is_end {
            return rep.flush().await.expect("an open stream");
        }
    }
}

/// Publishes no more than every subscriber's share beyond what they have read: a PUB drops what one does not take.
async fn publish(publisher: ZmqStream, line: Arc<Line>, subscribers: u64) {
    let mut k = 0u32;
    while !line.is_over() {
        let unread = || {
            let sent = line.sent.load(Ordering::Relaxed);
            sent.saturating_sub(line.received.load(Ordering::Relaxed))
        };
        while unread() > WINDOW {
            smol::Timer::after(Duration::from_millis(1)).await;
        }
        let message = numbered(k, 1 + k % 3, 100);
        publisher.send(message).await.expect("an open stream");
        line.sent.fetch_add(subscribers, Ordering::Relaxed);
        k = k.wrapping_add(1);
    }
    publisher.send(END).await.expect("an open stream");
    publisher.flush().await.expect("an open stream");
}

/// Opens two streams, has messages go between them, and ends them in one way or another; again and again, and now and then with their
/// context.
fn come_and_go(line: &Line) {
    let mut context = Context::new().expect("descriptors");
    let mut round = 0u32;
    while !line.is_over() {
        let endpoint = endpoint("come-and-go", round as usize);
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).bind(endpoint).open();
        let pull = pull.expect("a free endpoint");
        let push = open(SocketType::PUSH).connect(&pull.bindings()[0]);
        let push = push.open().expect("an endpoint that is bound");
        block_on(async {
            for k in 0..20 {
                push.send(numbered(k, 1 + k % 3, 1_000))
                    .await
                    .expect("sent");
                line.count_sent();
            }
            for k in 0..20 {
                assert_eq!(number_of(&pull.read().await.expect("it comes")), k);
                line.count_received();
            }
        });
        match round % 3 {
            0 => drop((pull, push)),
            1 => {
                push.close();
                pull.close();
                block_on(pull.closed());
            }
            _ => {
                push.abort();
                pull.abort();
            }
        }
        std::thread::sleep(BETWEEN);
        round = round.wrapping_add(1);
        if round.is_multiple_of(50) {
            shut_down(&context);
            context = Context::new().expect("descriptors");
        }
    }
    shut_down(&context);
}

/// A peer comes, says something and goes, again and again, and the other side hears and sees each of them.
async fn be_visited(pull: ZmqStream, context: Context, line: Arc<Line>) {
    let mut k = 0u32;
    while !line.is_over() {
        let push = ZmqStream::builder(SocketType::PUSH).context(&context);
        let push = push.connect(&pull.bindings()[0]).open();
        let push = push.expect("an endpoint that is bound");
        push.send(numbered(k, 2, 50)).await.expect("an open stream");
        line.count_sent();
        let message = pull.read().await.expect("it comes");
        assert_eq!(number_of(&message), k);
        drop(push);
        // The three of each visitor, and none of another.
        for _ in 0..3 {
            let event = pull.read_event().await.expect("it is monitored");
            assert_eq!(event.discarded, 0);
            let is_awaited = matches!(
                event.kind,
                EventKind::Accepted { .. }
                    | EventKind::HandshakeSucceeded
                    | EventKind::Disconnected { .. }
            );
            assert!(is_awaited, "{event:?}");
        }
        line.count_received();
        smol::Timer::after(BETWEEN).await;
        k = k.wrapping_add(1);
    }
}

/// The `n`th endpoint of a line: tcp, ipc and inproc in turn.
fn endpoint(name: &str, n: usize) -> String {
    let process = std::process::id();
    match n % 3 {
        0 => "tcp://127.0.0.1:*".to_owned(),
        // A name that is no file's.
        1 => format!("ipc://@tidegate-soak-{process}-{name}-{n}"),
        _ => format!("inproc://{name}-{n}"),
    }
}

fn shut_down(context: &Context) {
    let ended = block_on(context.shutdown(Duration::from_secs(60)));
    ended.expect("everything was sent");
}

/// All the traffic.
pub(crate) struct Soak {
    context: Context,
    is_over: Arc<AtomicBool>,
    lines: Vec<Arc<Line>>,
    /// Open until everything has been read: what libzmq may lose at a close, `FAULTS.md` says.
    standing: Vec<ZmqStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Soak {
    pub(crate) fn start(executors: &Executors) -> Self {
        let mut soak = Self {
            context: Context::builder()
                .io_threads(2)
                .build()
                .expect("descriptors"),
            is_over: Arc::default(),
            lines: Vec::new(),
            standing: Vec::new(),
            threads: Vec::new(),
        };
        soak.pushes(executors);
        soak.dealers(executors);
        soak.questions(executors);
        soak.subscribers(executors);
        soak.pairs(executors);
        soak.visits(executors);
        soak
    }

    fn line(&mut self, kind: &'static str) -> Arc<Line> {
        let line = Arc::new(Line {
            kind,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            is_over: self.is_over.clone(),
        });
        self.lines.push(line.clone());
        line
    }

    fn open(&mut self, builder: Builder) -> ZmqStream {
        let stream = builder.open().expect("an endpoint");
        self.standing.push(stream.clone());
        stream
    }

    /// Two streams, one of them bound.
    fn two(
        &mut self,
        executor: &Executor,
        kinds: [SocketType; 2],
        endpoint: String,
        hwm: u32,
    ) -> [ZmqStream; 2] {
        let context = self.context.clone();
        let [bound, connected] = kinds.map(|kind| {
            let builder = executor.builder(kind, &context);
            builder
                .option(options::SEND_HWM, hwm)
                .option(options::RECEIVE_HWM, hwm)
        });
        let bound = self.open(bound.bind(endpoint));
        let connected = self.open(connected.connect(&bound.bindings()[0]));
        [bound, connected]
    }

    fn run(&mut self, executor: &Executor, task: impl Future<Output = ()> + Send + 'static) {
        self.threads.push(executor.run(task));
    }

    /// Small and large ones, over everything; and readers that are slow, or change their minds.
    fn pushes(&mut self, executors: &Executors) {
        let kinds = [SocketType::PULL, SocketType::PUSH];
        for (kind, bytes, pace, hwm) in [
            ("PUSH small", 20, Pace::Fast, 1_000),
            ("PUSH 1 MiB", BIG, Pace::Fast, 2),
            ("PUSH slow reader", 1_000, Pace::Slow, 100),
            ("PUSH cancelled reads", 200, Pace::Fickle, 1_000),
        ] {
            let line = self.line(kind);
            for n in 0..if bytes == BIG { 3 } else { 2 } {
                let executor = executors.nth(self.standing.len() / 2);
                let endpoint = endpoint(kind, n);
                let [pull, push] = self.two(&executor, kinds, endpoint, hwm);
                // One is told of what happens, and never looks.
                pull.enable_monitor(EventMask::ALL)
                    .expect("its context is known");
                self.run(&executor, send_all(push, line.clone(), bytes));
                self.run(&executor, read_all(pull, line.clone(), pace));
            }
        }
    }

    fn dealers(&mut self, executors: &Executors) {
        let line = self.line("DEALER and ROUTER");
        for (n, dealers) in [(0, 5), (1, 3)] {
            let executor = executors.nth(n + 2);
            let router = executor.builder(SocketType::ROUTER, &self.context);
            let router = self.open(router.bind(endpoint("router", n)));
            let bound = router.bindings().swap_remove(0);
            for k in 0..dealers {
                let executor = executors.nth(k);
                let dealer = executor.builder(SocketType::DEALER, &self.context);
                let dealer = self.open(dealer.connect(&bound));
                self.run(&executor, ask_all(dealer, line.clone()));
            }
            self.run(&executor, echo_all(router, dealers));
        }
    }

    fn questions(&mut self, executors: &Executors) {
        let line = self.line("REQ and REP");
        for n in 0..3 {
            let executor = executors.nth(n);
            let kinds = [SocketType::REP, SocketType::REQ];
            let [rep, req] = self.two(&executor, kinds, endpoint("rep", n), 1_000);
            self.run(&executor, answer_all(rep));
            let line = line.clone();
            let ask = move || ask_in_turn(&req, &line, n == 0);
            self.threads.push(std::thread::spawn(ask));
        }
    }

    fn subscribers(&mut self, executors: &Executors) {
        for (n, kind) in [(0, "PUB and SUB, tcp"), (2, "PUB and SUB, inproc")] {
            let line = self.line(kind);
            let executor = executors.nth(n + 1);
            let publisher = executor.builder(SocketType::PUB, &self.context);
            let publisher = self.open(publisher.bind(endpoint("pub", n)));
            let bound = publisher.bindings().swap_remove(0);
            for k in 0..3 {
                let executor = executors.nth(k);
                let subscriber = executor.builder(SocketType::SUB, &self.context);
                let subscriber = self.open(subscriber.subscribe("").connect(&bound));
                // Once it gets something, its subscription has come.
                eventually(|| {
                    publisher.write(HELLO).expect("an open stream");
                    subscriber.try_read().is_ok()
                });
                self.run(&executor, read_all(subscriber, line.clone(), Pace::Fast));
            }
            self.run(&executor, publish(publisher, line, 3));
        }
    }

    fn pairs(&mut self, executors: &Executors) {
        let line = self.line("PAIR, both ways");
        for n in 0..3 {
            let executor = executors.nth(n + 1);
            let kinds = [SocketType::PAIR; 2];
            for stream in self.two(&executor, kinds, endpoint("pair", n), 1_000) {
                let sends = send_all(stream.clone(), line.clone(), 500);
                let reads = read_all(stream, line.clone(), Pace::Fast);
                self.run(&executor, async {
                    zip(sends, reads).await;
                });
            }
        }
    }

    fn visits(&mut self, executors: &Executors) {
        let line = self.line("visitors, monitored");
        let executor = executors.nth(0);
        let pull = executor.builder(SocketType::PULL, &self.context);
        let pull = self.open(pull.bind(endpoint("visited", 0)));
        pull.enable_monitor(
            EventMask::ACCEPTED | EventMask::HANDSHAKE_SUCCEEDED | EventMask::DISCONNECTED,
        )
        .expect("its context is known");
        let visits = be_visited(pull, self.context.clone(), line);
        self.run(&executor, visits);
        let line = self.line("opened and closed");
        self.threads
            .push(std::thread::spawn(move || come_and_go(&line)));
    }

    /// How many streams are there all the time.
    pub(crate) fn standing(&self) -> usize {
        self.standing.len()
    }

    pub(crate) fn lines(&self) -> &[Arc<Line>] {
        &self.lines
    }

    /// Has everybody come to an end, and returns the counts.
    pub(crate) fn stop(self) -> Vec<Arc<Line>> {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no panic");
        }
        drop(self.standing);
        shut_down(&self.context);
        self.lines
    }
}
