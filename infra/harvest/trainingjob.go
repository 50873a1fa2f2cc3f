package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/spf13/cobra"
)

// trainingsFolder is the folder in the state folder that has a folder for each job. For the attempt n, a job's folder
// has
//
//	<n>.lock     locked while the attempt runs; all its processes inherit the lock
//	<n>.log      its output
//	<n>.ended    its result
//
// A job's folder also has the export that dataset.yaml requests, in a folder with the trainer's name; the file `done`
// after a successful attempt; and the file `failed` if no attempt is left. `harvest resume` renames `failed` to
// `failed.<n>`.
const trainingsFolder = "trainings"

// A job is the training of one selection, in its folder.
type job struct{ dir, run, selection string }

func newJob(state, run, selection string) job {
	return job{filepath.Join(state, trainingsFolder, run+"."+selection), run, selection}
}

// name returns a name that is the same for every attempt. It is a DNS label, so job systems accept it.
func (j job) name() string {
	sum := sha256.Sum256([]byte(j.run + "/" + j.selection))
	return "harvest-" + hex.EncodeToString(sum[:6])
}

func (j job) file(attempt int, kind string) string {
	return filepath.Join(j.dir, strconv.Itoa(attempt)+"."+kind)
}

func (j job) has(name string) bool {
	_, err := os.Stat(filepath.Join(j.dir, name))
	return err == nil
}

func (j job) mark(name string, content any) error {
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(j.dir, name), append(data, '\n'), 0o644)
}

// An ending records the end of an attempt.
type ending struct {
	At    time.Time `json:"at"`
	Error string    `json:"error,omitempty"` // empty if the attempt succeeded
}

// The states of a job's last attempt.
type attemptState int

const (
	noAttempt attemptState = iota
	running
	died      // its processes have ended without recording a result
	failed    // it ended with an error
	succeeded // it ended without an error
)

// attempts has the number and the result of a job's attempts.
type attempts struct {
	last     int // number of the last attempt; 0 if there is none
	state    attemptState
	failures int // number of failed attempts since the last resume
	problem  string
}

// look reads the attempts from their files.
func (j job) look() (a attempts, err error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	resumed := 0
	for _, e := range entries {
		number, kind, _ := strings.Cut(e.Name(), ".")
		if n, err := strconv.Atoi(number); err == nil && kind == "lock" {
			a.last = max(a.last, n)
		}
		if n, err := strconv.Atoi(kind); err == nil && number == "failed" {
			resumed = max(resumed, n)
		}
	}
	for n := 1; n <= a.last; n++ {
		var end ending
		if err := readOptional(j.file(n, "ended"), &end); err != nil {
			return a, err
		}
		switch {
		case end.At.IsZero():
			a.state = died
		case end.Error != "":
			a.state, a.problem = failed, end.Error
			if n > resumed {
				a.failures++
			}
		default:
			a.state = succeeded
		}
	}
	if a.state == died {
		lock, err := os.OpenFile(j.file(a.last, "lock"), os.O_RDWR, 0)
		if err != nil {
			return a, err
		}
		defer lock.Close()
		switch err := bucket.LockFile(lock); {
		case errors.Is(err, bucket.ErrLocked):
			a.state = running
		case err != nil:
			return a, err
		default:
			var end ending // the attempt may have ended in the meantime
			if err := readOptional(j.file(a.last, "ended"), &end); err != nil || !end.At.IsZero() {
				lock.Close()
				return j.look()
			}
		}
	}
	return a, nil
}

// start starts an attempt of a command in a separate process, which records the result. The attempt continues if this
// process ends.
func (j job) start(attempt int, command string, environ []string) error {
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(j.file(attempt, "lock"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := bucket.LockFile(lock); err != nil {
		return err
	}
	log, err := os.Create(j.file(attempt, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, attemptCommand, j.file(attempt, "ended"), command)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles, cmd.SysProcAttr = log, log, []*os.File{lock}, detached()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // the attempt's file has the result
	return nil
}

// attemptCommand is the hidden command of this program that serve starts for an attempt.
const attemptCommand = "training-attempt"

// newAttempt returns the hidden command that runs a training's command and records the result. In its process and in
// the process of the training's command, the lock is the fourth open file.
func newAttempt() *cobra.Command {
	return &cobra.Command{
		Use: attemptCommand, Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			cmd := exec.Command("sh", "-c", args[1])
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr // this program prints nothing to its standard output
			cmd.ExtraFiles = []*os.File{os.NewFile(3, "lock")}
			end := ending{}
			if err := cmd.Run(); err != nil {
				end.Error = err.Error()
			}
			end.At = time.Now()
			data, err := json.Marshal(end)
			if err != nil {
				return err
			}
			return renameio.WriteFile(args[0], append(data, '\n'), 0o644)
		},
	}
}

// jobsOf returns the jobs of a run.
func jobsOf(state, run string) []job {
	folders, _ := filepath.Glob(filepath.Join(state, trainingsFolder, run+".*")) // ids have no special characters
	jobs := make([]job, len(folders))
	for i, dir := range folders {
		jobs[i] = job{dir, run, strings.TrimPrefix(filepath.Base(dir), run+".")}
	}
	return jobs
}

// failedJobs returns the jobs that have no attempt left.
func failedJobs(state, run string) []job {
	return slices.DeleteFunc(jobsOf(state, run), func(j job) bool { return !j.has("failed") })
}

// resumeJobs marks the failed trainings of a run so that serve tries them again, and returns their number.
func resumeJobs(state, run string) (int, error) {
	jobs := failedJobs(state, run)
	for _, j := range jobs {
		a, err := j.look()
		if err == nil {
			err = os.Rename(filepath.Join(j.dir, "failed"), filepath.Join(j.dir, fmt.Sprintf("failed.%d", a.last)))
		}
		if err != nil {
			return 0, fmt.Errorf("resuming the training of selection %s: %w", j.selection, err)
		}
	}
	return len(jobs), nil
}

// A failedTraining is a training that has no attempt left.
type failedTraining struct {
	Selection string `json:"selection"`
	Problem   string `json:"problem"`
	Log       string `json:"log"` // path of the last attempt's log
}

// failedTrainings returns the failed trainings of a run.
func failedTrainings(state, run string) ([]failedTraining, error) {
	jobs := failedJobs(state, run)
	all := make([]failedTraining, len(jobs))
	for i, j := range jobs {
		all[i].Selection = j.selection
		if err := readOptional(filepath.Join(j.dir, "failed"), &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
