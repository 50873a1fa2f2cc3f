//go:build !linux

package local

import "syscall"

// endsWithParent works only on Linux. On other systems a user must end the processes of a killed parent by hand.
func endsWithParent() *syscall.SysProcAttr { return nil }
