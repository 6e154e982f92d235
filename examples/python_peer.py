"""A DEALER on pyzmq that talks to the example `python_peer`: python3 python_peer.py ENDPOINT"""

import sys

import zmq

context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.setsockopt(zmq.RCVTIMEO, 10_000)
dealer.connect(sys.argv[1])

for i in range(10):
    dealer.send_multipart([b"data", b"", b"ask %d" % i])
    answer = dealer.recv_multipart()
    assert answer == [b"DATA", b"", b"ASK %d" % i], answer
    print(answer)

large = b"x" * 1_000_000
dealer.send_multipart([large, b"large"])
answer = dealer.recv_multipart()
assert answer == [large.upper(), b"LARGE"]
print([len(answer[0]), answer[1]])

dealer.send(b"goodbye")
assert dealer.recv_multipart() == [b"GOODBYE"]
dealer.close()
context.term()
