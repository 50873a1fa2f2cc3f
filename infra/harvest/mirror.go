package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"

	"cloud.google.com/go/storage"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"golang.org/x/sync/errgroup"
)

// uploadsAtOnce is the maximum number of objects that are copied concurrently.
const uploadsAtOnce = 8

// A mirror copies an input folder into a bucket in a safe order: first images, then the parts of a dataset, and last
// the file that starts its run.
type mirror struct {
	from bucket.Reader
	to   *storage.BucketHandle

	mu     sync.Mutex
	copied map[string]bucket.Attrs
}

func newMirror(from bucket.Reader, to *storage.BucketHandle) *mirror {
	return &mirror{from: from, to: to, copied: map[string]bucket.Attrs{}}
}

// upload copies an object below datasets/, after all objects that it may refer to.
func (m *mirror) upload(ctx context.Context, object string) error {
	folders := []string{"images/"}
	if path.Base(object) == run.SpecFile {
		folders = append(folders, path.Dir(object)+"/")
	}
	for _, folder := range folders {
		if err := m.copyAll(ctx, folder, object); err != nil {
			return err
		}
	}
	return m.copy(ctx, object)
}

// copyAll copies all objects of a folder. It does not copy the object that except names, nor dataset.yaml files,
// because they start runs.
func (m *mirror) copyAll(ctx context.Context, folder, except string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	for attrs, err := range m.from.List(ctx, folder, "") {
		if err != nil {
			return fmt.Errorf("listing %s: %w", folder, err)
		}
		if attrs.Name != except && !strings.HasSuffix(attrs.Name, "/"+run.SpecFile) {
			group.Go(func() error { return m.copy(ctx, attrs.Name) })
		}
	}
	return group.Wait()
}

// copy copies an object, unless this version was copied before. It ignores an object that was deleted or cannot be
// read.
func (m *mirror) copy(ctx context.Context, name string) error {
	attrs, err := m.from.Stat(ctx, name)
	if err == nil && !m.seen(attrs) {
		err = m.put(ctx, attrs)
	}
	if err != nil && !errors.Is(err, bucket.ErrNotExist) && !errors.Is(err, bucket.ErrUnreadable) {
		return fmt.Errorf("copying %s: %w", name, err)
	}
	return nil
}

// seen reports whether this version of an object was copied before, and records that the version is copied.
func (m *mirror) seen(attrs bucket.Attrs) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	same := m.copied[attrs.Name] == attrs
	m.copied[attrs.Name] = attrs
	return same
}

func (m *mirror) put(ctx context.Context, attrs bucket.Attrs) error {
	body, err := m.from.Open(ctx, attrs.Name, attrs.Generation, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	ctx, abort := context.WithCancel(ctx) // a cancelled upload leaves no object
	defer abort()
	w := m.to.Object(attrs.Name).NewWriter(ctx)
	if _, err := io.Copy(w, body); err != nil {
		return err
	}
	return w.Close()
}
