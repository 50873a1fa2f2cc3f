package local

import "syscall"

// endsWithParent makes a process end when its parent is killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
