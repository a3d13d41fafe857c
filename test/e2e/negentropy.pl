# Set reconciliation (NIP-77): the client of nostr-tools, which is not ours, with the server's side that is.
use strict;
use warnings;
use FindBin;
use Test::More;

my @cases = `node $FindBin::RealBin/relay/negentropy.mjs bigbrotr-negentropy_server`;
is($?, 0, 'the client went through all cases');
chomp @cases;
is(scalar @cases, 32, 'eight pairs of sets, each with four pairs of frame limits');
like($_, qr/: right$/, $_) for @cases;

done_testing();
