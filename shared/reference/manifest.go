package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/harvest-ml/harvest/shared/selection"
)

// A manifest is an open file of the scored items.
type manifest struct {
	name string
	file *os.File
	// start has the offset of each item, and the offset after the last item.
	start []int64
	rows  rows // idx of each item
}

// openManifest opens a manifest, and sets the pool's indexes and sources.
func openManifest(ctx context.Context, name string, build *selection.Builder) (*manifest, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	m := &manifest{name: name, file: file}
	if err := m.read(contextReader{ctx, file}, build); err != nil {
		file.Close()
		return nil, fmt.Errorf("reading manifest %s: %w", name, err)
	}
	return m, nil
}

// read reads the manifest once.
func (m *manifest) read(in io.Reader, build *selection.Builder) error {
	w := &window{in: in}
	if err := w.begin(); err != nil {
		return err
	}
	var (
		walker  walker
		sources = sources{byValue: make(map[string]uint32), build: build}
		fault   = func(err error) error {
			return fmt.Errorf("item %d, at byte %d: %w", m.rows.len()+1, w.offset, err)
		}
	)
	for {
		more, err := w.nextItem(m.rows.len() == 0)
		switch {
		case err != nil:
			return fault(err)
		case !more:
			m.start = append(m.start, w.offset)
			if err := m.rows.link(); err != nil {
				return err
			}
			build.Pool.Index = m.rows.order()
			return sources.check()
		}
		item, err := walker.item(w)
		if err != nil {
			return fault(err)
		}
		id, err := parseIdx(item.idx)
		if err != nil {
			return fault(fmt.Errorf("%w: each item needs the idx by which its scores refer to it", err))
		}
		source, err := sources.number(item.source)
		if err != nil {
			return fault(err)
		}
		if err := m.rows.add(id); err != nil {
			return fault(err)
		}
		m.start = append(m.start, w.offset)
		build.Pool.Source = append(build.Pool.Source, source)
		w.skip(item.size)
	}
}

// sources numbers the different values of image_source.
type sources struct {
	build   *selection.Builder
	byValue map[string]uint32 // numbers by the value's JSON; the JSON of a name may have several forms
	given   bool              // whether any item has a source
}

func (s *sources) number(value []byte) (uint32, error) {
	if number, known := s.byValue[string(value)]; known {
		return number, nil
	}
	var name string
	switch {
	case len(value) == 0:
		name = "nan" // the text of a missing value in a column of Python
	case string(value) == "null":
		name = "None"
	case value[0] != '"':
		return 0, fmt.Errorf("image_source %.40s is not a text: put it into quotes", value)
	default:
		if err := json.Unmarshal(value, &name); err != nil {
			return 0, fmt.Errorf("image_source: %w", err)
		}
	}
	s.given = s.given || len(value) > 0
	number := s.build.Source(name)
	s.byValue[string(value)] = number
	return number, nil
}

func (s *sources) check() error {
	if len(s.build.Pool.SourceNames) > 0 && !s.given {
		return errors.New("no item has an image_source, but bins need it: add it to the items")
	}
	return nil
}
