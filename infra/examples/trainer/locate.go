package main

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/bucket/gs"
)

// locate splits the URI of an object into the URL of its bucket and its name in the bucket. If uri is only a name, the
// object is in the bucket work.
func locate(uri, work string) (address, name string, err error) {
	scheme, rest, found := strings.Cut(uri, "://")
	switch {
	case !found:
		return work, uri, nil
	case scheme == "gs": // names are not escaped
		address, name, found = strings.Cut(rest, "/")
		address = "gs://" + address
	case scheme == "file":
		u, err := url.Parse(uri)
		if err != nil {
			return "", "", fmt.Errorf("the subset's URI: %w", err)
		}
		address, name = path.Split(u.Path)
		u.Path, u.RawPath = address, ""
		address = u.String()
	}
	if !found || name == "" {
		return "", "", fmt.Errorf("the subset's URI %q must be gs://bucket/name or file:///path", uri)
	}
	return address, name, nil
}

// A clients value opens each bucket of the cloud once, even if many events name the bucket, because each client has its
// own connections.
type clients struct {
	mu     sync.Mutex
	opened map[string]bucket.Bucket
}

// open returns the bucket with this URL.
func (c *clients) open(ctx context.Context, address string) (bucket.Bucket, error) {
	if !strings.HasPrefix(address, "gs://") {
		return gs.OpenURL(ctx, address)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, known := c.opened[address]; known {
		return b, nil
	}
	b, err := gs.OpenURL(context.WithoutCancel(ctx), address) // the client is also used for later events
	if err == nil {
		c.opened[address] = b
	}
	return b, err
}
