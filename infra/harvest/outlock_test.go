package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// TestLockOut waits for another command that writes to the same output folder.
func TestLockOut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	unlock, err := lockOut(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	if _, err := lockOut(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two commands write to the folder: %v", err)
	}
	unlock()
	again, err := lockOut(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
