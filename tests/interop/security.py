"""The far end of a connection that is guarded, by pyzmq:

python3 security.py client ENDPOINT [plain NAME PASSWORD | curve SERVER_KEY PUBLIC SECRET]
    A PUSH that connects. Prints "in", sends a message and ends; or prints "refused" and what its monitor was told.

python3 security.py server [plain NAME PASSWORD | curve SECRET CLIENT_KEY]
    A PULL behind pyzmq's own authenticator, for the domain "storm". Prints its endpoint, and each message that it gets, with the
    user id that came along, until its input ends.
"""

import sys

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

REFUSALS = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "auth",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "protocol",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "no detail",
    # Whoever is refused without a word is just disconnected.
    zmq.EVENT_DISCONNECTED: "disconnected",
}


def client(context, endpoint, mechanism="null", *credentials):
    push = context.socket(zmq.PUSH)
    if mechanism == "plain":
        push.plain_username, push.plain_password = (text.encode() for text in credentials)
    if mechanism == "curve":
        push.curve_serverkey, push.curve_publickey, push.curve_secretkey = (text.encode() for text in credentials)
    monitor = push.get_monitor_socket()
    push.connect(endpoint)
    while True:
        event = recv_monitor_message(monitor)
        if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            print("in", flush=True)
            push.send(b"from pyzmq")
            return push.close(linger=30_000)
        if event["event"] in REFUSALS:
            print("refused", REFUSALS[event["event"]], event["value"], flush=True)
            return push.close(linger=0)


class Keys:
    """What pyzmq asks about keys."""

    def __init__(self, known):
        self.known = known

    def callback(self, domain, key):
        return domain == "storm" and key == self.known


def server(context, mechanism, *credentials):
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    pull = context.socket(zmq.PULL)
    pull.zap_domain = b"storm"
    if mechanism == "plain":
        name, password = credentials
        authenticator.configure_plain(domain="storm", passwords={name: password})
        pull.plain_server = True
    if mechanism == "curve":
        secret, client_key = (text.encode() for text in credentials)
        authenticator.configure_curve_callback(domain="storm", credentials_provider=Keys(client_key))
        pull.curve_server = True
        pull.curve_secretkey = secret
    pull.bind("tcp://127.0.0.1:*")
    print(pull.last_endpoint.decode(), flush=True)
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(sys.stdin, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if pull in ready:
            message = pull.recv(copy=False)
            print(message.bytes.decode(), message.get("User-Id"), flush=True)
        elif sys.stdin.fileno() in ready and not sys.stdin.read(1):
            authenticator.stop()
            return pull.close(linger=0)


def main(role, *arguments):
    with zmq.Context() as context:
        {"client": client, "server": server}[role](context, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
