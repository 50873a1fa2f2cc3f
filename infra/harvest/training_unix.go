//go:build unix

package main

import "syscall"

// detached protects a child from ctrl-C, which should end only serve.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
