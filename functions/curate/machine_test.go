package curate

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// A fault of the machine has a separate status, so that no caller treats it as a transient error.
func TestMachineFaultStatus(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("selecting: %w", &bucket.MachineError{Folder: "/x", Err: syscall.ENOSPC})
	if got := statusOf(err); got != http.StatusInsufficientStorage {
		t.Errorf("status %d", got)
	}
}
