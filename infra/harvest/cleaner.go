package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/subset"
)

// A cleaner removes runs from a state folder.
type cleaner struct {
	typed   string // the folder, as --state names it
	folder  string
	runs    *run.Reader
	remover *subset.Remover
}

func openCleaner(state string) (*cleaner, error) {
	folder, work, err := openExisting(state)
	if err != nil {
		return nil, err
	}
	runs, subsets, err := openRuns(work)
	if err != nil {
		return nil, err
	}
	return newCleaner(state, folder, work, runs, subsets)
}

// newCleaner returns a cleaner of an open state folder.
func newCleaner(
	typed, folder string, work bucket.Bucket, runs *run.Reader, subsets *subset.Reader,
) (*cleaner, error) {
	remover, err := subset.NewRemover(subsets, work)
	return &cleaner{typed, folder, runs, remover}, err
}

// finish deletes the remaining files of removed runs, and returns the ids of these runs. Files are left if a process
// was killed during the removal, or if another process was working on the run.
func (c *cleaner) finish(ctx context.Context, w io.Writer) (finished []string, err error) {
	left, err := c.runs.HalfRemoved(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range left {
		freed, err := c.delete(ctx, id)
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(w, "removed what was left of run %s: %s\n", id, described(freed)); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// lateWrites is the time after the removal of a run in which another process may still complete a write to the run.
const lateWrites = 2 * time.Second

// remove removes runs, and prints the freed space. First it writes the tombstones of all runs, so that commands no
// longer find the runs. Then it deletes the files of the runs. For runs in atWork, it also deletes the files that other
// processes still write.
func (c *cleaner) remove(ctx context.Context, w io.Writer, ids []string, atWork map[string]bool) error {
	for _, id := range ids {
		if err := c.remover.Mark(ctx, id, time.Now()); err != nil {
			return err
		}
	}
	var total subset.Size
	for _, id := range ids {
		freed, err := c.delete(ctx, id)
		if err == nil && atWork[id] {
			var late subset.Size
			late, err = c.remover.DeleteLate(ctx, id, lateWrites)
			freed = freed.Plus(late)
		}
		if err != nil {
			return err
		}
		total = total.Plus(freed)
		if _, err := fmt.Fprintf(w, "removed run %s: %s\n", id, described(freed)); err != nil {
			return err
		}
	}
	if len(ids) == 1 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s removed: %s\n", number(len(ids), "run"), described(total))
	return err
}

// preview prints the runs that remove would delete, and their sizes.
func (c *cleaner) preview(ctx context.Context, w io.Writer, ids []string) error {
	var total subset.Size
	for _, id := range ids {
		size, err := c.remover.Size(ctx, id)
		if err != nil {
			return err
		}
		for _, file := range c.files(id) {
			size = size.Plus(sizeOf(file))
		}
		total = total.Plus(size)
		if _, err := fmt.Fprintf(w, "would remove run %s: %s\n", id, described(size)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s would be removed: %s\n", number(len(ids), "run"), described(total))
	return err
}

// described returns a size as text.
func described(s subset.Size) string {
	return fmt.Sprintf("%s, %s (%s bytes)", number(s.Objects, "file"), humanize.Bytes(uint64(s.Bytes)),
		separated(int(s.Bytes)))
}

// delete deletes the files of a run that is marked as removed: first the files that only this program uses, then the
// run's objects. A second call continues an interrupted deletion.
func (c *cleaner) delete(ctx context.Context, id string) (subset.Size, error) {
	var freed subset.Size
	for _, file := range c.files(id) {
		size := sizeOf(file)
		if err := os.RemoveAll(file); err != nil {
			return freed, fmt.Errorf("removing run %s: %w", id, err)
		}
		freed = freed.Plus(size)
	}
	objects, err := c.remover.Delete(ctx, id)
	return freed.Plus(objects), err
}

// files returns the files and folders of a run that are not objects: its trainings, the copies of its manifests that no
// other run uses, and last the file that records the location of the dataset.
func (c *cleaner) files(id string) []string {
	var files []string
	for _, j := range jobsOf(c.folder, id) {
		files = append(files, j.dir)
	}
	own := inputFile(c.folder, id)
	if in, err := loadInput(c.folder, id); err == nil {
		for _, path := range in.Manifests {
			if spooled := c.spooled(path); spooled != "" && !c.usedByOthers(own, path) {
				files = append(files, spooled)
			}
		}
	}
	if _, err := os.Lstat(own); err == nil {
		files = append(files, own)
	}
	return files
}

// spooled returns the folder with the copy of a manifest from a bucket or the standard input; "" if the manifest is a
// file of this machine.
func (c *cleaner) spooled(path string) string {
	abs, err := filepath.Abs(filepath.Join(c.folder, "inputs"))
	if err != nil {
		return ""
	}
	rest, below := strings.CutPrefix(path, abs+string(filepath.Separator))
	if parts := strings.Split(rest, string(filepath.Separator)); !below || len(parts) != 3 {
		return ""
	}
	return filepath.Dir(path)
}

// usedByOthers reports whether another run uses a manifest. own is the input file of the run that is removed. If an
// input file cannot be read, usedByOthers returns true.
func (c *cleaner) usedByOthers(own, manifest string) bool {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(own), "*.json"))
	if err != nil {
		return true
	}
	for _, file := range files {
		if file == own {
			continue
		}
		var in input
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &in)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || slices.Contains(in.Manifests, manifest) {
			return true
		}
	}
	return false
}

// runningTraining returns the id of a selection on which a training is running; "" if no training is running.
func (c *cleaner) runningTraining(id string) string {
	for _, j := range jobsOf(c.folder, id) {
		if a, err := j.look(); err == nil && a.state == running {
			return j.selection
		}
	}
	return ""
}

// sizeOf returns the size of a file, or of all files below a folder; zero if it does not exist.
func sizeOf(path string) (size subset.Size) {
	_ = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			size = size.Plus(subset.Size{Objects: 1, Bytes: info.Size()})
		}
		return nil
	})
	return size
}
