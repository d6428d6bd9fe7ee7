"""Processes that die at a chosen write, for real, and what becomes of the conversation that they were in.

``run`` holds a conversation in scenes. In one process, the *house*, are all who live on; the one that is to die, the
*guest*, is a process of its own: a client, or the server. It ends by ``os._exit`` before or after a chosen write, and
a second process, its next life, goes on from the files that it left.
"""
