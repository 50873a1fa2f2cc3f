//go:build !linux

package local

import "syscall"

// endsWithParent is for Linux: elsewhere the processes of one that is killed have to be ended by hand.
func endsWithParent() *syscall.SysProcAttr { return nil }
