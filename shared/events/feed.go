package events

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// An Origin identifies the deployment that sends events, and the buckets of the objects that events name.
type Origin struct {
	// Source is the ce-source of all events. Each deployment has its own, such as /projects/p/deployments/harvest.
	Source string
	// Input and Work are the URIs of the buckets: gs://name, or file:///folder.
	Input, Work string
	// API is the base URL of the API, https://host; empty if it is not known.
	API string
}

// A Feed publishes the events of a deployment.
type Feed struct {
	topic  Publisher
	origin Origin
	now    func() time.Time
}

// NewFeed makes the feed of a deployment.
func NewFeed(topic Publisher, o Origin, now func() time.Time) (*Feed, error) {
	if topic == nil || o.Source == "" || o.Input == "" || o.Work == "" || now == nil {
		return nil, errors.New(
			"making an events.Feed: its topic, its source, the URI of a bucket or its clock is missing")
	}
	o.Input, o.Work, o.API = strings.TrimRight(o.Input, "/"), strings.TrimRight(o.Work, "/"), strings.TrimRight(o.API, "/")
	return &Feed{topic, o, now}, nil
}

// Publish publishes events, in the given order.
func (f *Feed) Publish(ctx context.Context, published ...Event) error {
	messages := make([]Message, len(published))
	for i, e := range published {
		var err error
		if messages[i], err = e.message(f.origin.Source, f.now()); err != nil {
			return err
		}
	}
	return f.topic.Publish(ctx, messages...)
}

// Images returns the base URI of a dataset's image names.
func (f *Feed) Images(dataset string) string { return f.origin.Input + "/images/" + dataset + "/" }

// RunAddress returns the URL of a run in the API; empty if the URL of the API is not known.
func (f *Feed) RunAddress(run string) string { return f.address("/v1/runs/" + run) }

// SelectionAddress returns the URL of a selection in the API; empty if the URL of the API is not known.
func (f *Feed) SelectionAddress(run, selection string) string {
	return f.address("/v1/runs/" + run + "/selections/" + selection)
}

func (f *Feed) address(path string) string {
	if f.origin.API == "" {
		return ""
	}
	return f.origin.API + path
}

// Object returns the description of an object of the work bucket for an event.
func (f *Feed) Object(attrs bucket.Attrs, checksum uint32) Object {
	return Object{
		URI: f.origin.Work + "/" + attrs.Name, Generation: attrs.Generation, Size: attrs.Size,
		CRC32C: base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, checksum)),
	}
}
