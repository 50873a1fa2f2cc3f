package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/harvest-ml/harvest/shared/subset"
)

// stateFolder returns the state folder for a value of --state. If it is empty, the folder is in the user's cache.
func stateFolder(state string) (string, error) {
	if state != "" {
		return state, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usageError{fmt.Errorf("finding a folder for the state: %w; give a folder with --state", err)}
	}
	return filepath.Join(cache, "harvest"), nil
}

// openState opens the work bucket in the state folder. It creates the folder if it does not exist.
func openState(state string) (string, bucket.Bucket, error) {
	state, err := stateFolder(state)
	if err != nil {
		return "", nil, err
	}
	work, err := bucket.OpenFolder(state)
	if errors.Is(err, syscall.ENOTDIR) {
		return "", nil, usageError{fmt.Errorf("--state %s: a part of this path is a file; give another folder", state)}
	} else if link := danglingLink(state); err != nil && link != "" {
		return "", nil, usageError{fmt.Errorf("--state %s: %s, or give another folder", state, link)}
	} else if err != nil {
		return "", nil, fmt.Errorf("opening state folder: %w", err)
	}
	return state, work, nil
}

// openExisting opens the work bucket for a command that needs an earlier run. If there is no state folder, it does not
// create one, and returns an empty bucket.
func openExisting(state string) (string, bucket.Bucket, error) {
	folder, err := stateFolder(state)
	if err != nil {
		return "", nil, err
	}
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
		return folder, bucket.NewMemory(), nil
	}
	return openState(folder)
}

// openRuns returns readers of runs and of their selections.
func openRuns(work bucket.Reader) (*run.Reader, *subset.Reader, error) {
	runs, err := run.NewReader(work, run.DefaultCacheBytes)
	if err != nil {
		return nil, nil, err
	}
	subsets, err := subset.NewReader(runs, work, subset.DefaultLimits())
	return runs, subsets, err
}

// readState opens the runs and selections in the state folder for commands that only read.
func readState(state string) (*run.Reader, *subset.Reader, error) {
	_, work, err := openExisting(state)
	if err != nil {
		return nil, nil, err
	}
	return openRuns(work)
}

// openerFor returns an opener of scorers. A URL that the parameter `at` lacks comes from the environment.
func openerFor(
	at kinds.Config, budget *memory.Budget, work bucket.Bucket, log *slog.Logger,
) (*kinds.Opener, error) {
	scorers, err := scorersByEnvironment()
	if err != nil {
		return nil, err
	}
	opener, err := kinds.New(scorers.At(at), budget, work, func(err error) {
		log.Warn("waiting for the scorer", "error", err)
	})
	if err != nil {
		return nil, usageError{err}
	}
	return opener, nil
}

// unknownRun adds advice to the error of a run that does not exist, or that is not planned yet.
func unknownRun(err error) error {
	switch {
	case errors.Is(err, run.ErrNoRun):
		return usageError{fmt.Errorf("%w; `harvest status` lists the runs of a state folder", err)}
	case errors.Is(err, run.ErrPlanning):
		return fmt.Errorf("%w; if the command that started it has ended, repeat that command", err)
	default:
		return err
	}
}
