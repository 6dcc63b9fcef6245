// How many bytes may wait in a socket, whichever kind it is. Best effort: FORCE passes the machine's limit and needs
// CAP_NET_ADMIN; without it the limit is what there is.
#pragma once

#include <sys/socket.h>

namespace dvr {

inline void set_receive_buffer(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

inline void set_send_buffer(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

}  // namespace dvr
