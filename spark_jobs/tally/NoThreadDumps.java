import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Arrays;

/**
 * Refuses the thread dumps of Spark's REST API (SPARK-23235), which spark.ui.threadDumpsEnabled leaves open.
 *
 * No issue at Spark asks for the setting to cover them. Review at pyspark 4.2: does it?
 */
public class NoThreadDumps implements Filter {
    public void init(FilterConfig config) {
    }

    public void doFilter(ServletRequest request, ServletResponse response, FilterChain next)
            throws IOException, ServletException {
        String path = ((HttpServletRequest) request).getPathInfo(); // decoded, as the API itself reads it
        if (path != null && Arrays.asList(path.split("/")).contains("threads")) {
            ((HttpServletResponse) response).sendError(403, "Thread dumps are not served.");
            return;
        }
        next.doFilter(request, response);
    }

    public void destroy() {
    }
}
