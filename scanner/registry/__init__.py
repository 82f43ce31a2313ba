"""What an image offers: the registry side.

The inner floors, from the ground up; a module imports from its own floor or from those below:

    config                      how each registry is reached
    http                        one host asked: transports, addresses, budget, retries, redirects
    mirrors                     where an engine's configuration sends a pull
    documents/cache, fields, media_types, singleflight     what reading and remembering needs
    auth, mirror_chain          tokens; the content of one image from its mirrors or itself
    documents, endpoint_pool, layers, presence     verified documents; every host; the bytes of layers; what is missing
    client                      the answers
    stale_fallback              beside a failure, what was last seen
"""
