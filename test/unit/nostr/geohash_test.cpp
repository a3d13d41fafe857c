#include "nostr/geohash.h"

#include <gtest/gtest.h>

using nostr::geohash;

TEST(Geohash, IsThatOfOthers)
{
	// The examples of geohash.org and of the article on geohashes in Wikipedia.
	EXPECT_EQ(geohash(57.64911, 10.40744, 11), "u4pruydqqvj");
	EXPECT_EQ(geohash(42.605, -5.603, 5), "ezs42");
	EXPECT_EQ(geohash(-25.382708, -49.265506, 8), "6gkzwgjz");
}

TEST(Geohash, HasEdges)
{
	EXPECT_EQ(geohash(90, 180, 3), "zzz");
	EXPECT_EQ(geohash(-90, -180, 3), "000");
	EXPECT_EQ(geohash(0, 0, 1), "s");
	EXPECT_EQ(geohash(0, 0, 0), "");
}
