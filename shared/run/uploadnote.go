package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// uploadsPrefix begins the names of objects that record handled uploads.
const uploadsPrefix = "index/uploads/"

// The ends of the names of objects that record an upload. An upload that waits for files has a second object when it
// begins to wait. The upload of a SpecFile has a further object for each time that it is handled again: after all files
// have arrived, or after the arrival of a corrected file. These objects are listed in the order of the last one first.
const (
	noteHandled = ".json"
	noteAwaits  = ".awaits.json"
	noteAgain   = ".again" // it begins these names
	againFirst  = noteAgain + ".json"
	againLater  = noteAgain + "-%06d.json"
	maxAgain    = 999_999
	noteArrived = ".arrived/" // it begins the names of objects that count the files that have arrived
)

// A notedUpload is the content of these objects.
type notedUpload struct {
	Upload
	Run string `json:"run,omitempty"`
}

// NoteUpload records that an upload was accepted or refused as a run. Afterwards the upload is not handled again, even
// if the run is removed. An upload that waited for files does not wait any more.
func (x *Index) NoteUpload(ctx context.Context, u Upload, run string) error {
	if u.IsSpec() {
		if err := x.noteAgain(ctx, u, run); err != nil {
			return err
		}
	}
	if created, err := x.note(ctx, u, noteHandled, run); created || err != nil || !u.IsSpec() {
		return err
	}
	return x.noteAgain(ctx, u, run) // another delivery may have just recorded another run
}

// noteAgain records that the upload of a SpecFile was handled again, unless it is handled for the first time, or its
// last run is recorded.
func (x *Index) noteAgain(ctx context.Context, u Upload, run string) error {
	for {
		last, again, err := x.last(ctx, u)
		if err != nil {
			return err
		}
		awaited := false
		if again == 0 { // the upload may have an object of noteHandled with the run that was refused earlier
			if awaited, err = x.noted(ctx, u, noteAwaits); err != nil {
				return err
			}
		}
		if !awaited && (last == nil || last.Run == run) {
			return nil
		}
		end := againFirst
		if again > 0 {
			end = fmt.Sprintf(againLater, maxAgain-again)
		}
		// Another delivery may have just created the object, with another run.
		if created, err := x.note(ctx, u, end, run); created || err != nil {
			return err
		}
	}
}

// last returns the last record that the upload of a SpecFile was handled, and the number of times that it was handled
// again. The record is nil if the upload was not handled.
func (x *Index) last(ctx context.Context, u Upload) (last *notedUpload, again int, err error) {
	prefix, err := uploadName(u, noteAgain)
	if err != nil {
		return nil, 0, err
	}
	name, err := uploadName(u, noteHandled)
	if err != nil {
		return nil, 0, err
	}
	for attrs, err := range x.work.List(ctx, prefix, "") {
		if err != nil {
			return nil, 0, fmt.Errorf("listing the runs of %s: %w", u.Object, err)
		}
		name, again = attrs.Name, 1
		var left int
		if n, _ := fmt.Sscanf(strings.TrimPrefix(name, strings.TrimSuffix(prefix, noteAgain)), againLater, &left); n == 1 {
			again += maxAgain - left
		}
		break
	}
	last = &notedUpload{}
	if err := bucket.ReadJSON(ctx, x.work, name, last); errors.Is(err, bucket.ErrNotExist) {
		return nil, again, nil
	} else if err != nil {
		return nil, 0, err
	}
	return last, again, nil
}

// NoteRefused records that an upload was refused as a run, and waits for files as recorded by Await. The arrival of its
// last file handles the upload again.
func (x *Index) NoteRefused(ctx context.Context, u Upload, run string) error {
	if waits, err := x.Awaits(ctx, u); err != nil {
		return err
	} else if !waits { // it has waited before, and its files have arrived
		return x.NoteUpload(ctx, u, run)
	}
	_, err := x.note(ctx, u, noteHandled, run)
	return err
}

// Await records that the upload of a SpecFile waits for files.
func (x *Index) Await(ctx context.Context, u Upload) error {
	_, err := x.note(ctx, u, noteAwaits, "")
	return err
}

// Awaits reports whether an upload waits for files.
func (x *Index) Awaits(ctx context.Context, u Upload) (bool, error) {
	if awaited, err := x.noted(ctx, u, noteAwaits); !awaited || err != nil {
		return false, err
	}
	again, err := x.noted(ctx, u, againFirst)
	return !again && err == nil, err
}

// arrived returns the number of files that noteArrived recorded last.
func (x *Index) arrived(ctx context.Context, u Upload) (int, error) {
	prefix, err := uploadName(u, noteArrived)
	if err != nil {
		return 0, err
	}
	for attrs, err := range x.work.List(ctx, prefix, "") {
		if err != nil {
			return 0, fmt.Errorf("listing the files of %s that have arrived: %w", u.Object, err)
		}
		left, err := strconv.Atoi(strings.TrimPrefix(attrs.Name, prefix))
		if err != nil {
			return 0, nil // not written by Harvest
		}
		return maxNamed - left, nil // the largest number comes first
	}
	return 0, nil
}

// noteArrived records that the first files that a SpecFile names have arrived.
func (x *Index) noteArrived(ctx context.Context, u Upload, files int) error {
	name, err := uploadName(u, fmt.Sprintf("%s%06d", noteArrived, maxNamed-files))
	if err != nil {
		return err
	}
	_, err = bucket.CreateBytes(ctx, x.work, name, nil)
	return err
}

// RunOf returns the last run that was recorded for an upload; empty if there is none.
func (x *Index) RunOf(ctx context.Context, u Upload) (string, error) {
	if u.IsSpec() {
		last, _, err := x.last(ctx, u)
		if last == nil || err != nil {
			return "", err
		}
		return last.Run, nil
	}
	name, err := uploadName(u, noteHandled)
	if err != nil {
		return "", err
	}
	var noted notedUpload
	if err = bucket.ReadJSON(ctx, x.work, name, &noted); errors.Is(err, bucket.ErrNotExist) {
		return "", nil
	}
	return noted.Run, err
}

// HasUpload reports whether NoteUpload or NoteRefused recorded an upload.
func (x *Index) HasUpload(ctx context.Context, u Upload) (bool, error) {
	name, err := uploadName(u, noteHandled)
	if err != nil {
		return false, err
	}
	return bucket.Exists(ctx, x.work, name)
}

// note creates an object of an upload, and reports false if it exists.
func (x *Index) note(ctx context.Context, u Upload, end, run string) (created bool, err error) {
	name, err := uploadName(u, end)
	if err != nil {
		return false, err
	}
	return bucket.CreateJSON(ctx, x.work, name, notedUpload{u, run})
}

// noted reports whether the upload of a SpecFile has an object. Other uploads never wait, so they cost no request.
func (x *Index) noted(ctx context.Context, u Upload, end string) (bool, error) {
	if !u.IsSpec() {
		return false, nil
	}
	name, err := uploadName(u, end)
	if err != nil {
		return false, err
	}
	return bucket.Exists(ctx, x.work, name)
}

// IsSpec reports whether an upload is a SpecFile.
func (u Upload) IsSpec() bool { return path.Base(u.Object) == SpecFile }

// uploadName returns the name of an object that records an upload. It contains a hash, because the name of the uploaded
// object may already have the largest allowed length.
func uploadName(u Upload, end string) (string, error) {
	hash, err := CanonicalHash([]string{u.Object, strconv.FormatInt(u.Generation, 10)})
	if err != nil {
		return "", fmt.Errorf("identifying the upload of %s: %w", u.Object, err)
	}
	return uploadsPrefix + hash + end, nil
}
