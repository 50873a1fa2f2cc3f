// Package topictest starts Pub/Sub's test server and clients of it, for tests.
package topictest

import (
	"testing"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// NewServer starts a server with topics of a project, and a client of the server. Both end with the test.
func NewServer(t testing.TB, project string, topics ...string) (*pstest.Server, *pubsub.Client) {
	t.Helper()
	server := pstest.NewServer()
	t.Cleanup(func() { server.Close() })
	client := NewClient(t, server.Addr, project)
	for _, topic := range topics {
		name := "projects/" + project + "/topics/" + topic
		if _, err := client.TopicAdminClient.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	return server, client
}

// NewClient makes a client for a project of the server at an address. It ends with the test.
func NewClient(t testing.TB, addr, project string) *pubsub.Client {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	client, err := pubsub.NewClient(t.Context(), project, option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}
