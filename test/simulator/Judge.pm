# Compares what an archive claims of simulated relays with what they serve.
package Judge;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();

our @EXPORT_OK = qw(judge summary);

# The archive's claims as this test classifies them. proven: nothing that the relay serves may be missing; read: one pass
# saw it, with the doubts that it has.
my $claims = q{
	CREATE TEMP VIEW claims AS
	SELECT relay_id, lower, upper, evidence,
	       evidence IN ('confirmed', 'reconciled') AS proven, evidence = 'paged' AS read, doubts, refused, observed_at
	FROM bigbrotr.coverage WHERE filter_id = 0 AND reader = 0};

# One row for each relay that is judged.
my $verdicts = q{
	CREATE TEMP TABLE held AS
	SELECT s.relay_id, e.event_id FROM bigbrotr.sightings AS s JOIN bigbrotr.events AS e USING (eid);
	CREATE TEMP TABLE missing AS
	SELECT r.relay_id, t.created_at, t.event_id, t.class, t.since
	FROM public.truth AS t JOIN bigbrotr.relays AS r USING (url)
	WHERE t.class <> 'gone' AND (r.relay_id, t.event_id) NOT IN (SELECT d.relay_id, d.event_id FROM public.deleted AS d)
	      AND NOT EXISTS (SELECT FROM held AS h WHERE h.relay_id = r.relay_id AND h.event_id = t.event_id);
	CREATE TEMP TABLE found AS
	SELECT m.*, c.lower, c.upper, c.evidence, c.doubts, c.observed_at,
	       CASE
	           WHEN c.relay_id IS NULL AND m.created_at > extract(epoch FROM now()) - 1000 THEN 'too_new'
	           WHEN c.relay_id IS NULL THEN 'gap'
	           WHEN m.class = 'private' AND 'auth' = ANY (c.doubts) THEN 'named'
	           WHEN m.class = 'beyond_limits' AND (c.refused > 0 OR 'refused' = ANY (c.doubts)) THEN 'named'
	           WHEN c.proven AND m.since > c.observed_at THEN 'stale'
	           WHEN c.proven AND m.class = 'private' THEN 'proven_private'
	           WHEN c.proven AND m.class = 'beyond_limits' THEN 'proven_refused'
	           WHEN c.proven THEN 'proven'
	           WHEN c.read AND m.since > c.observed_at THEN 'stale'
	           WHEN c.read AND c.doubts = '{}' THEN 'read'
	           WHEN c.doubts = '{}' THEN 'unnamed'
	           ELSE 'named'
	       END AS verdict
	FROM missing AS m LEFT JOIN claims AS c
	     ON c.relay_id = m.relay_id AND m.created_at BETWEEN c.lower AND c.upper};

my $report = q{
	SELECT to_jsonb(x) FROM (
		SELECT r.url, p.phase, p.last_error, p.last_detail, p.failures,
		       (SELECT count(*) FROM public.truth AS t WHERE t.url = r.url AND t.class = 'served') AS served,
		       (SELECT count(*) FROM public.truth AS t WHERE t.url = r.url AND t.class = 'served'
		        AND t.created_at < extract(epoch FROM now()) - 1000) AS settled,
		       (SELECT count(*) FROM missing AS m WHERE m.relay_id = r.relay_id AND m.class = 'served') AS missing,
		       (SELECT count(*) FROM public.truth AS t JOIN claims AS c ON t.created_at BETWEEN c.lower AND c.upper
		        WHERE t.url = r.url AND t.class = 'served' AND c.relay_id = r.relay_id AND c.proven) AS proven,
		       (SELECT count(*) FROM public.truth AS t JOIN claims AS c ON t.created_at BETWEEN c.lower AND c.upper
		        WHERE t.url = r.url AND t.class = 'served' AND c.relay_id = r.relay_id AND c.read) AS read,
		       (SELECT count(*) FROM held AS h WHERE h.relay_id = r.relay_id
		        AND NOT EXISTS (SELECT FROM public.truth AS t WHERE t.url = r.url AND t.event_id = h.event_id)) AS not_served,
		       (SELECT jsonb_object_agg(v.verdict, v.n) FROM (
		           SELECT f.verdict, count(*) AS n FROM found AS f WHERE f.relay_id = r.relay_id GROUP BY 1) AS v) AS verdicts,
		       (SELECT jsonb_agg(e) FROM (
		           SELECT DISTINCT ON (f.verdict) f.verdict, f.evidence, f.doubts, f.lower, f.upper, f.created_at,
		                  encode(f.event_id, 'hex') AS event_id
		           FROM found AS f WHERE f.relay_id = r.relay_id ORDER BY f.verdict, f.created_at) AS e) AS examples,
		       (SELECT jsonb_agg(c) FROM (
		           SELECT c.lower, c.upper, c.evidence, c.doubts FROM claims AS c WHERE c.relay_id = r.relay_id
		           ORDER BY c.upper DESC LIMIT 12) AS c) AS claims
		FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS p USING (relay_id)) AS x};

# Returns a hash for each scenario. The table public.truth is filled from the file that the simulator wrote.
sub judge
{
	my ($node, $truth, @scenarios) = @_;
	my $json = JSON::PP->new->utf8->canonical;
	my ($code, $lines, $errors) = $node->psql('postgres', qq{
		CREATE TABLE public.truth (url text, created_at bigint, event_id bytea, class text, since bigint);
		\\copy public.truth FROM '$truth'
		ANALYZE public.truth;
		$claims;
		$verdicts;
		$report}, on_error_die => 0, on_error_stop => 1);
	die "judging failed: $errors" if $code;
	my %of = map { my $row = $json->decode($_); ($row->{url} => $row) } split /\n/, $lines;
	return map {
		my $scenario = $_;
		my $row = $of{ $scenario->{url} } // die "no relay $scenario->{url}";
		my $verdicts = $row->{verdicts} // {};
		my $caught_up = $row->{phase} eq 'live' && !defined $row->{last_error};
		+{
			%$scenario, %$row,
			proven_but_false => ($verdicts->{proven} // 0) + ($verdicts->{proven_private} // 0) + ($verdicts->{proven_refused} // 0),
			read_but_false => $verdicts->{read} // 0,
			unnamed_gaps => ($verdicts->{unnamed} // 0) + ($caught_up ? $verdicts->{gap} // 0 : 0),
			stale => $verdicts->{stale} // 0,
		};
	} @scenarios;
}

sub summary
{
	my (@results) = @_;
	my %sum = (scenarios => scalar @results, map { ($_ => 0) } qw(proven_but_false events_claimed_not_held read_but_false
		unnamed_gaps stale served settled missing not_served proven read));
	for my $one (@results)
	{
		$sum{proven_but_false}++ if $one->{proven_but_false} > 0;
		$sum{events_claimed_not_held} += $one->{proven_but_false};
		$sum{read_but_false}++ if $one->{read_but_false} > 0;
		$sum{unnamed_gaps}++ if $one->{unnamed_gaps} > 0;
		$sum{stale}++ if $one->{stale} > 0;
		$sum{$_} += $one->{$_} for qw(served settled missing not_served proven read);
	}
	$sum{recall} = $sum{served} ? 0 + sprintf '%.5f', 1 - $sum{missing} / $sum{served} : 1;
	$sum{proven_share} = $sum{settled} ? 0 + sprintf '%.5f', $sum{proven} / $sum{settled} : 1;
	return \%sum;
}

1;
