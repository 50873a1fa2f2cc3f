package bucket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ReadAll reads a whole object.
func ReadAll(ctx context.Context, b Reader, name string) ([]byte, error) {
	r, err := b.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

// ReadJSON reads a whole object as JSON into v; ErrDamaged if it is not JSON.
func ReadJSON(ctx context.Context, b Reader, name string, v any) error {
	data, err := ReadAll(ctx, b, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading %s: %w: %w", name, ErrDamaged, err)
	}
	return nil
}

// Exists reports whether there is an object of that name.
func Exists(ctx context.Context, b Reader, name string) (bool, error) {
	switch _, err := b.Stat(ctx, name); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("looking for %s: %w", name, err)
	}
}

// Marked reports whether an object exists that is always written before another one, its follower. It is ErrNotExist if
// the follower exists and the object does not.
func Marked(ctx context.Context, b Reader, name, follower string) (bool, error) {
	if there, err := Exists(ctx, b, name); there || err != nil {
		return there, err
	}
	if followed, err := Exists(ctx, b, follower); !followed || err != nil {
		return false, err
	}
	// Both may have been written since the first look.
	if there, err := Exists(ctx, b, name); there || err != nil {
		return there, err
	}
	return false, fmt.Errorf("looking for %s: %w, and %s is there", name, ErrNotExist, follower)
}

// CreateOnce writes an object unless it is there already, and reports whether it wrote it.
func CreateOnce(ctx context.Context, b Bucket, name string, write func(io.Writer) error) (bool, error) {
	switch err := b.Create(ctx, name, write); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrExists):
		return false, nil
	default:
		return false, fmt.Errorf("writing %s: %w", name, err)
	}
}

// CreateBytes does the same with content that is in memory.
func CreateBytes(ctx context.Context, b Bucket, name string, data []byte) (bool, error) {
	return CreateOnce(ctx, b, name, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
}

// CreateJSON does the same with v as indented JSON and a line break.
func CreateJSON(ctx context.Context, b Bucket, name string, v any) (bool, error) {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return false, fmt.Errorf("encoding %s: %w", name, err)
	}
	return CreateBytes(ctx, b, name, append(data, '\n'))
}

// Numbers are the numbers that objects directly below prefix have in their names, before suffix.
func Numbers(ctx context.Context, b Reader, prefix, suffix string) (map[int]bool, error) {
	found := map[int]bool{}
	for attrs, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", prefix, err)
		}
		number, ok := strings.CutSuffix(attrs.Name[len(prefix):], suffix)
		if n, err := strconv.Atoi(number); ok && err == nil {
			found[n] = true
		}
	}
	return found, nil
}

// HasAll reports whether all numbers from first to before last were found.
func HasAll(found map[int]bool, first, last int) bool {
	for number := first; number < last; number++ {
		if !found[number] {
			return false
		}
	}
	return true
}

// Children are the path elements directly below prefix, in ascending order. It lists one object for each.
func Children(ctx context.Context, b Reader, prefix string) ([]string, error) {
	return ChildrenAfter(ctx, b, prefix, "", math.MaxInt)
}

// ChildrenAfter is Children for at most most of the elements after last; an empty last gives the first ones.
func ChildrenAfter(ctx context.Context, b Reader, prefix, last string, most int) ([]string, error) {
	var found []string
	for len(found) < most {
		after := ""
		if last != "" {
			after = prefix + last + "0" // '0' follows '/': past everything below the child
		}
		child := ""
		for attrs, err := range b.List(ctx, prefix, after) {
			if err != nil {
				return nil, fmt.Errorf("listing %s: %w", prefix, err)
			}
			child, _, _ = strings.Cut(attrs.Name[len(prefix):], "/")
			break
		}
		if child == "" {
			break
		}
		found = append(found, child)
		last = child
	}
	return found, nil
}
